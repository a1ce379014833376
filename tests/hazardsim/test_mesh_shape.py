"""Bare shapes: closed, facing outwards, of the volume that they should have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazardsim.mesh.shape import (
    box,
    circles,
    cylinder,
    directions,
    ellipsoid,
    joined,
    revolve,
    rotation,
    smooth_curve,
    stacked,
    torus,
    tube,
)


def volume_of(shape) -> float:
    a, b, c = (shape.points[shape.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


@pytest.mark.parametrize(
    ("shape", "volume"),
    [
        (box((2, 3, 4)), 24.0),
        (box((2, 3, 4), 0.2, 6), 23.4),
        (cylinder(1.0, 2.0, 64), 2 * np.pi),
        (ellipsoid((2, 2, 2), 40, 60), 4 / 3 * np.pi),
        (torus(2.0, 0.5, 80, 40), 2 * np.pi**2 * 2 * 0.25),
        (revolve([(0, 0), (1, 0), (1, 1), (0, 1)], 64), np.pi),
        (tube([(0, 0, 0), (0, 1, 0), (0, 2, 0)], 0.5, 64), np.pi / 2),
    ],
)
def test_shapes_are_closed_and_face_outwards(shape, volume):
    assert volume_of(shape) == pytest.approx(volume, rel=0.015)


def test_joined_shapes_keep_their_volume_and_mirrored_ones_their_outside():
    parts = [box((1, 2, 3)), box((1, 1, 1)).moved(x=5.0), cylinder(0.5, 2.0).moved(y=4.0)]
    assert volume_of(joined(parts)) == pytest.approx(sum(volume_of(p) for p in parts))
    assert volume_of(joined(parts).mirrored()) == pytest.approx(volume_of(joined(parts)))
    assert volume_of(parts[0].turned("x", 37.0).scaled(2.0, 1.0, 1.0)) == pytest.approx(12.0)


def test_stacked_faces_point_into_their_own_mesh():
    one, other = np.array([[0, 1, 2]]), np.array([[0, 2, 1], [1, 2, 3]])
    np.testing.assert_array_equal(stacked([one, other], [3, 4]), [[0, 1, 2], [3, 5, 4], [4, 5, 6]])


@given(st.lists(st.tuples(*[st.floats(-5, 5)] * 3), min_size=2, max_size=6, unique=True), st.floats(0.2, 1.0))
def test_circles_lie_across_their_path(points, flatten):
    path = np.cumsum(np.abs(np.array(points)) + 0.1, axis=0)
    along = directions(path)
    np.testing.assert_allclose(np.linalg.norm(along, axis=1), 1.0, atol=1e-9)
    guide = -np.eye(3)[int(np.argmin(np.abs(along).max(axis=0)))]
    ring = circles(along, guide, np.linspace(0.0, 2 * np.pi, 9), flatten)
    np.testing.assert_allclose(np.einsum("nak,nk->na", ring, along), 0.0, atol=1e-9)
    assert np.linalg.norm(ring, axis=2).max() == pytest.approx(1.0)
    assert np.linalg.norm(ring, axis=2).min() == pytest.approx(flatten)


@pytest.mark.parametrize(("axis", "turned"), [("x", [0, 0, 1]), ("y", [0, 1, 0]), ("z", [-1, 0, 0])])
def test_a_turn_is_anticlockwise_seen_from_the_axis_tip(axis, turned):
    np.testing.assert_allclose(rotation(axis, 90.0) @ np.array([0.0, 1.0, 0.0]), turned, atol=1e-12)


def test_a_smooth_curve_passes_through_its_knots():
    knots = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [4.0, 4.0]])
    np.testing.assert_allclose(smooth_curve(knots, 3 * 5 + 1)[::5], knots, atol=1e-12)

"""Shapes: closed, wound outward, and as large as they say."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh

from hazardsim.mesh.outline import cap, skirt
from hazardsim.mesh.solid import Solid, joined, lathe, solid_box, solid_boxes, solid_tube
from hazardsim.server.town.models import furniture, plants, signs, traffic_lights


def volume(solid: Solid) -> float:
    """By the divergence theorem; right only for closed solids wound outward."""
    a, b, c = (solid.vertices[solid.faces[:, k]] for k in range(3))
    return float(np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6)


def test_box_is_closed_and_outward() -> None:
    solid = solid_box((-1.0, 2.0, 3.0), (1.0, 5.0, 7.0))
    mesh = trimesh.Trimesh(solid.vertices, solid.faces)
    mesh.merge_vertices(merge_tex=True, merge_norm=True)
    assert mesh.is_watertight
    assert volume(solid) == pytest.approx(24.0)


def test_boxes_are_many_of_box() -> None:
    low, high = np.zeros((3, 3)), np.array([[1.0, 1, 1], [2, 2, 2], [3, 1, 1]])
    assert volume(solid_boxes(low, high)) == pytest.approx(1 + 8 + 3)


def test_uv_are_metres() -> None:
    solid = solid_box((0.0, 0.0, 0.0), (4.0, 3.0, 2.0))
    for face in solid.faces:
        side = np.linalg.norm(np.diff(solid.vertices[face], axis=0), axis=1)
        flat = np.linalg.norm(np.diff(solid.uv[face], axis=0), axis=1)
        assert np.allclose(side, flat)


def test_tube_and_lathe_face_outward() -> None:
    pipe = solid_tube(np.array([[0.0, 0, 0], [0, 0, 5]]), np.array([1.0, 1.0]), 64)
    assert volume(pipe) == pytest.approx(np.pi * 5, rel=0.01)
    drum = lathe([(0.0, 0.0), (1.0, 0.0), (1.0, 5.0), (0.0, 5.0)], 64)
    assert volume(drum) == pytest.approx(np.pi * 5, rel=0.01)


def test_prism_with_hole_is_closed() -> None:
    area = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 2, 3))
    solid = joined([cap(area, 2.0), cap(area, 0.0, down=True), skirt(area, 0.0, 2.0)])
    assert volume(solid) == pytest.approx(2.0 * 14.0)


@pytest.mark.parametrize("name", sorted(furniture.FURNITURE | signs.SIGNS | traffic_lights.TRAFFIC_LIGHTS))
def test_models_stand_on_the_ground(name: str) -> None:
    parts = (furniture.FURNITURE | signs.SIGNS | traffic_lights.TRAFFIC_LIGHTS)[name]()
    low = min(float(p.part.vertices[:, 2].min()) for p in parts)
    assert low == pytest.approx(0.0, abs=0.006)


@pytest.mark.parametrize("name", sorted(plants.TREES))
def test_trees_are_repeatable_and_rooted(name: str) -> None:
    first, again, other = plants.tree(name, 0), plants.tree(name, 0), plants.tree(name, 1)
    assert all(np.array_equal(a.part.vertices, b.part.vertices) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[1].part.vertices, other[1].part.vertices)
    assert first[0].part.vertices[:, 2].min() == pytest.approx(0.0, abs=0.02)
    leaf_low = min(float(p.part.vertices[:, 2].min()) for p in first[1:])
    assert leaf_low > 0.0

"""Upright and oriented boxes: overlap and sight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry import LineString
from shapely.geometry import box as rectangle

from hazardsim.geometry.boxes import Box, BoxField, OrientedBox, box_on_ground, overlap
from hazardsim.geometry.poses import Pose

BOXES = st.builds(
    Box,
    st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(-2, 2)),
    st.tuples(st.floats(0.1, 4), st.floats(0.1, 4), st.floats(0.1, 2)),
    st.floats(-180, 180),
)


def outline(box):
    x, y, _ = box.centre_m
    a, b, _ = box.half_m
    return rotate(rectangle(x - a, y - b, x + a, y + b), box.yaw_deg, origin=(x, y))


@given(BOXES, BOXES)
def test_overlap_agrees_with_shapely(one, other):
    flat = outline(one).intersection(outline(other)).area
    high = min(one.centre_m[2] + one.half_m[2], other.centre_m[2] + other.half_m[2]) - max(
        one.centre_m[2] - one.half_m[2], other.centre_m[2] - other.half_m[2]
    )
    meets = BoxField((one,)).meets(other)
    if flat > 1e-6 and high > 1e-6:
        assert meets
    if outline(one).distance(outline(other)) > 1e-6 or high < -1e-6:
        assert not meets


@given(BOXES, st.tuples(st.floats(-9, 9), st.floats(-9, 9)), st.tuples(st.floats(-9, 9), st.floats(-9, 9)))
def test_sight_agrees_with_shapely_at_the_boxs_own_height(box, start, end):
    z = box.centre_m[2]
    blocked = bool(BoxField((box,)).blocks(np.array([*start, z]), np.array([[*end, z]]))[0])
    shape, line = outline(box), LineString([start, end])
    if shape.buffer(-1e-6).intersection(line).length > 1e-6:
        assert blocked
    if shape.distance(line) > 1e-6:
        assert not blocked


def test_no_boxes_meet_and_block_nothing():
    field = BoxField(())
    assert not field.meets(Box((0, 0, 0), (1, 1, 1)))
    assert not field.blocks(np.zeros(3), np.ones((4, 3))).any()


def test_box_on_ground_stands_on_its_pose():
    box = box_on_ground(Pose(3, 4, 0.5, yaw_deg=90), (4, 2, 1.5))
    np.testing.assert_allclose(box.corners().min(axis=0), [2, 2, 0.5], atol=1e-9)
    np.testing.assert_allclose(box.corners().max(axis=0), [4, 6, 2.0], atol=1e-9)
    np.testing.assert_allclose(np.sort(box.footprint(), axis=0)[[0, -1]], [[2, 2], [4, 6]], atol=1e-9)


def oriented(x: float, y: float, yaw: float, half=(2.0, 1.0, 0.75)) -> OrientedBox:
    pose = Pose(x, y, 0.0, yaw)
    return OrientedBox.of(pose.matrix(), np.array([0.0, 0.0, half[2]]), np.array(half))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (oriented(0.0, 0.0, 0.0), True),
        (oriented(3.9, 0.0, 0.0), True),
        (oriented(4.1, 0.0, 0.0), False),
        (oriented(4.0, 0.0, 0.0), False),
        (oriented(0.0, 2.9, 90.0), True),
        (oriented(0.0, 3.1, 90.0), False),
        (oriented(3.2, 2.2, 45.0), True),
        (oriented(4.0, 3.0, 45.0), False),
    ],
)
def test_overlap_of_oriented_boxes(other, expected):
    assert overlap(oriented(0.0, 0.0, 0.0), other) is expected
    assert overlap(other, oriented(0.0, 0.0, 0.0)) is expected


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-180, 180), st.floats(-180, 180))
def test_boxes_that_share_a_point_overlap(x, y, yaw_a, yaw_b):
    a, b = oriented(0.0, 0.0, yaw_a), oriented(x, y, yaw_b)
    grid = np.stack(np.meshgrid(*[np.linspace(-0.95, 0.95, 15)] * 3), axis=-1).reshape(-1, 3)
    points = (grid * a.half) @ a.axes.T + a.centre
    inside = (np.abs((points - b.centre) @ b.axes) < b.half - 0.02).all(axis=1)
    if inside.any():
        assert overlap(a, b)


@given(BOXES, BOXES)
def test_upright_boxes_meet_as_oriented_ones_do(one, other):
    """The five directions of upright boxes decide as all fifteen, but for a touch of a centimetre."""
    a, b = (OrientedBox(np.array(box.centre_m), box.axes(), np.array(box.half_m)) for box in (one, other))
    if overlap(a, b):
        assert BoxField((one,)).meets(other)
    if not BoxField((one,)).meets(other):
        assert not overlap(a, b)


def test_boxes_that_only_a_cross_product_parts():
    """Two long bars, crosswise in space and close: no face of either parts them, the plane between their edges does."""
    tilt = Pose(0.0, 0.0, 0.0, 90.0, 0.0, 45.0).matrix()
    low = OrientedBox.of(Pose(0.0, 0.0, 0.0, 0.0, 0.0, 45.0).matrix(), np.zeros(3), np.array([5.0, 0.5, 0.5]))
    height = 2 * 0.5 * np.sqrt(2)
    for gap, expected in ((0.05, False), (-0.05, True)):
        tilt[2, 3] = height + gap
        assert overlap(low, OrientedBox.of(tilt, np.zeros(3), np.array([5.0, 0.5, 0.5]))) is expected

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry import LineString
from shapely.geometry import box as rectangle

from hazardsim.geometry.boxes import Box, BoxField, box_on_ground
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

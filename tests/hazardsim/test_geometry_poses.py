import carla
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazardsim.geometry.axes import carla_from_pose, pose_from_carla
from hazardsim.geometry.poses import Pose, pose_from_matrix, scale_of

ANGLE = st.floats(-180, 180, allow_nan=False)
PLACE = st.floats(-500, 500, allow_nan=False)
MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])


@given(PLACE, PLACE, PLACE, ANGLE, ANGLE, ANGLE)
def test_matrix_is_carlas_own_matrix_mirrored(x, y, z, yaw, pitch, roll):
    pose = Pose(x, y, z, yaw, pitch, roll)
    place, (carla_pitch, carla_yaw, carla_roll) = carla_from_pose(pose)
    transform = carla.Transform(
        carla.Location(*place), carla.Rotation(pitch=carla_pitch, yaw=carla_yaw, roll=carla_roll)
    )
    theirs = MIRROR @ np.array(transform.get_matrix()) @ MIRROR
    np.testing.assert_allclose(pose.matrix(), theirs, atol=2e-4)


@given(PLACE, PLACE, PLACE, ANGLE, ANGLE, ANGLE)
def test_there_and_back(x, y, z, yaw, pitch, roll):
    pose = Pose(x, y, z, yaw, pitch, roll)
    assert pose_from_carla(*carla_from_pose(pose)) == pose


def test_positive_pitch_looks_down_and_positive_yaw_turns_left():
    down = Pose(0, 0, 0, pitch_deg=30).matrix()[:3, 0]
    left = Pose(0, 0, 0, yaw_deg=90).matrix()[:3, 0]
    assert down[2] < -0.4
    np.testing.assert_allclose(left, [0, 1, 0], atol=1e-12)


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179), st.floats(0.1, 10))
def test_a_matrix_gives_its_pose_and_scale_back(yaw, pitch, roll, scale):
    pose = Pose(1.0, -2.0, 3.0, yaw, pitch, roll)
    matrix = pose.matrix(scale)
    assert scale_of(matrix) == pytest.approx(scale)
    np.testing.assert_allclose(pose_from_matrix(matrix).matrix(), pose.matrix(), atol=1e-9)


@pytest.mark.parametrize("pitch", [90.0, -90.0])
def test_straight_up_or_down_has_one_angle(pitch):
    pose = pose_from_matrix(Pose(0, 0, 0, 30.0, pitch, 20.0).matrix())
    assert pose.roll_deg == 0.0
    np.testing.assert_allclose(pose.matrix(), Pose(0, 0, 0, 30.0, pitch, 20.0).matrix(), atol=1e-9)

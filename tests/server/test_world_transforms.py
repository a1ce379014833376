"""Poses and boxes as the structs of the wire."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazardsim.server.protocol.structs import Rotation, Transform, Vector3D
from hazardsim.server.world.transforms import pose_from_transform, transform_from_pose, world_box

metres = st.floats(-500, 500)
turns = st.builds(Rotation, st.floats(-89.9, 89.9), st.floats(-179.9, 179.9), st.floats(-179.9, 179.9))
transforms = st.builds(Transform, st.builds(Vector3D, metres, metres, metres), turns)
MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])


@given(transforms)
def test_a_transform_comes_back(transform):
    back = transform_from_pose(pose_from_transform(transform, scale=2.5))
    assert (back.location.x, back.location.y, back.location.z) == pytest.approx(
        (transform.location.x, transform.location.y, transform.location.z)
    )
    assert pose_from_transform(back) == pytest.approx(pose_from_transform(transform), abs=1e-9)
    assert back.rotation.yaw == pytest.approx(transform.rotation.yaw, abs=1e-4)


@given(transforms)
def test_a_pose_is_a_right_handed_turn(transform):
    turn = pose_from_transform(transform)[:3, :3]
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_mirrored_pose_is_carlas_own_matrix(seed):
    carla = pytest.importorskip("carla")
    x, y, z, pitch, yaw, roll = np.random.default_rng(seed).uniform(-80, 80, 6)
    theirs = np.array(carla.Transform(carla.Location(x, y, z), carla.Rotation(pitch, yaw, roll)).get_matrix())
    ours = pose_from_transform(Transform(Vector3D(x, y, z), Rotation(pitch, yaw, roll)))
    assert MIRROR @ ours @ MIRROR == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize("pitch", [90.0, -90.0])
def test_looking_straight_up_or_down_comes_back(pitch):
    pose = pose_from_transform(Transform(Vector3D(), Rotation(pitch, 30.0, 0.0)))
    assert pose_from_transform(transform_from_pose(pose)) == pytest.approx(pose, abs=1e-9)


def test_right_in_carla_is_minus_y_here():
    pose = pose_from_transform(Transform(Vector3D(1.0, 2.0, 3.0), Rotation(0.0, 90.0, 0.0)))
    assert pose[:3, 3] == pytest.approx([1.0, -2.0, 3.0])
    assert pose[:3, 0] == pytest.approx([0.0, -1.0, 0.0])


def test_a_box_of_a_scaled_thing_in_world_axes():
    pose = pose_from_transform(Transform(Vector3D(10.0, 0.0, 0.0), Rotation(0.0, 90.0, 0.0)), scale=2.0)
    box = world_box(pose, np.array([0.0, 0.0, 1.0]), np.array([2.0, 0.5, 1.0]))
    assert (box.location.x, box.location.y, box.location.z) == pytest.approx((10.0, 0.0, 2.0))
    assert (box.extent.x, box.extent.y, box.extent.z) == pytest.approx((4.0, 1.0, 2.0))
    assert box.rotation.yaw == pytest.approx(90.0)

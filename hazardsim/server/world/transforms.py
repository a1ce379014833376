"""Poses and boxes as the structs of the wire, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.axes import carla_from_pose, mirrored, pose_from_carla
from hazardsim.geometry.poses import PoseMatrix, pose_from_matrix, scale_of
from hazardsim.server.protocol.structs import BoundingBox, Rotation, Transform, Vector3D


def pose_from_transform(transform: Transform, scale: float = 1.0) -> PoseMatrix:
    """[4,4] float64, local to world, in our axes."""
    place, turn = transform.location, transform.rotation
    return pose_from_carla((place.x, place.y, place.z), (turn.pitch, turn.yaw, turn.roll)).matrix(scale)


def transform_from_pose(pose: PoseMatrix) -> Transform:
    """The inverse of `pose_from_transform`; a uniform scale is dropped."""
    location, rotation = carla_from_pose(pose_from_matrix(pose))
    return Transform(Vector3D(*location), Rotation(*rotation))


def point_from_location(location: Vector3D) -> NDArray[np.float64]:
    """[3] in our axes; the same for directions."""
    return np.array(mirrored(location.x, location.y, location.z), dtype=np.float64)


def location_from_point(point: NDArray[np.float64]) -> Vector3D:
    """A location (or direction) in CARLA's axes."""
    x, y, z = (float(v) for v in point)
    return Vector3D(*mirrored(x, y, z))


def local_box(centre_m: NDArray[np.float64], extent_m: NDArray[np.float64]) -> BoundingBox:
    """A box of a thing in the thing's own axes."""
    x, y, z = (float(v) for v in extent_m)
    return BoundingBox(location_from_point(centre_m), Vector3D(x, y, z))


def world_box(pose: PoseMatrix, centre_m: NDArray[np.float64], extent_m: NDArray[np.float64]) -> BoundingBox:
    """The same box in world axes; a uniform scale of the pose is applied."""
    box = local_box(pose[:3, :3] @ centre_m + pose[:3, 3], extent_m * scale_of(pose))
    return BoundingBox(box.location, box.extent, transform_from_pose(pose).rotation)

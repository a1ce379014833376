"""The only place where CARLA's left-handed world meets the right-handed one of towns, models and renderers.

CARLA: x forward, y right, z up, degrees. Ours: x forward, y left, z up. With S = diag(1, -1, 1, 1) a pose is S M S.
Source of the matrix: carla.md section 2, equal to `carla.Transform.get_matrix()`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.poses import PoseMatrix
from hazardsim.server.protocol.structs import BoundingBox, Rotation, Transform, Vector3D

_MIRROR: Final = np.array([1.0, -1.0, 1.0])
_UPRIGHT: Final = 1e-6
"""Cosine of the pitch below which yaw and roll are one angle."""


def pose_from_transform(transform: Transform, scale: float = 1.0) -> PoseMatrix:
    """[4,4] float64, local to world, in our axes."""
    turn = transform.rotation
    cp, cy, cr = np.cos(np.radians([turn.pitch, turn.yaw, turn.roll]))
    sp, sy, sr = np.sin(np.radians([turn.pitch, turn.yaw, turn.roll]))
    left_handed = np.array(
        [
            [cp * cy, cy * sp * sr - sy * cr, -cy * sp * cr - sy * sr],
            [cp * sy, sy * sp * sr + cy * cr, -sy * sp * cr + cy * sr],
            [sp, -cp * sr, cp * cr],
        ]
    )
    pose = np.eye(4)
    pose[:3, :3] = left_handed * np.outer(_MIRROR, _MIRROR) * scale
    pose[:3, 3] = point_from_location(transform.location)
    return pose


def transform_from_pose(pose: PoseMatrix) -> Transform:
    """The inverse of `pose_from_transform`; a uniform scale is dropped."""
    turn = pose[:3, :3] / np.cbrt(np.linalg.det(pose[:3, :3])) * np.outer(_MIRROR, _MIRROR)
    pitch = np.arctan2(turn[2, 0], np.hypot(turn[0, 0], turn[1, 0]))
    if np.hypot(turn[0, 0], turn[1, 0]) > _UPRIGHT:
        yaw, roll = np.arctan2(turn[1, 0], turn[0, 0]), np.arctan2(-turn[2, 1], turn[2, 2])
    else:
        yaw, roll = np.arctan2(-turn[0, 1], turn[1, 1]), 0.0
    pitch_deg, yaw_deg, roll_deg = (float(np.degrees(angle)) for angle in (pitch, yaw, roll))
    return Transform(location_from_point(pose[:3, 3]), Rotation(pitch_deg, yaw_deg, roll_deg))


def point_from_location(location: Vector3D) -> NDArray[np.float64]:
    """[3] in our axes; the same for directions."""
    return np.array([location.x, -location.y, location.z], dtype=np.float64)


def location_from_point(point: NDArray[np.float64]) -> Vector3D:
    """A location (or direction) in CARLA's axes."""
    x, y, z = (float(v) for v in point)
    return Vector3D(x, -y, z)


def local_box(centre_m: NDArray[np.float64], extent_m: NDArray[np.float64]) -> BoundingBox:
    """A box of a thing in the thing's own axes."""
    x, y, z = (float(v) for v in extent_m)
    return BoundingBox(location_from_point(centre_m), Vector3D(x, y, z))


def world_box(pose: PoseMatrix, centre_m: NDArray[np.float64], extent_m: NDArray[np.float64]) -> BoundingBox:
    """The same box in world axes; a uniform scale of the pose is applied."""
    scale = float(np.cbrt(np.linalg.det(pose[:3, :3])))
    centre = pose[:3, :3] @ centre_m + pose[:3, 3]
    box = local_box(centre, extent_m * scale)
    return BoundingBox(box.location, box.extent, transform_from_pose(pose).rotation)

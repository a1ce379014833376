"""Poses, and the one place where the client converts between CARLA's axes and ours.

Ours: right-handed, x forward, y left, z up; yaw counter-clockwise, pitch positive nose down, roll about x.
CARLA's: left-handed, x forward, y right, z up; pitch positive nose up. Metres and degrees in both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PoseMatrix = NDArray[np.float64]
"""A pose as a [4,4] matrix from the thing's own axes to the world's; it may hold a uniform scale."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A place and a direction, right-handed, applied as Rz(yaw) Ry(pitch) Rx(roll)."""

    x_m: float
    y_m: float
    z_m: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """[4,4] matrix from the pose's own axes to the world's."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
        matrix = np.eye(4)
        matrix[:3, :3] = (
            np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
            @ np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
            @ np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
        )
        matrix[:3, 3] = self.x_m, self.y_m, self.z_m
        return matrix


def pose_from_carla(location: tuple[float, float, float], rotation: tuple[float, float, float]) -> Pose:
    """Pose of a CARLA location (x, y, z) and rotation (pitch, yaw, roll)."""
    x, y, z = location
    pitch, yaw, roll = rotation
    return Pose(x, -y, z, -yaw, -pitch, roll)


def carla_from_pose(pose: Pose) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """CARLA location (x, y, z) and rotation (pitch, yaw, roll) of a pose."""
    return (pose.x_m, -pose.y_m, pose.z_m), (-pose.pitch_deg, -pose.yaw_deg, pose.roll_deg)

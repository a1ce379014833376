"""Poses: a place and a direction, as six numbers or as a matrix.

Right-handed axes: x forward, y left, z up, in metres. Yaw counter-clockwise, pitch positive nose down, roll about x,
in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

PoseMatrix = NDArray[np.float64]
"""A pose as a [4,4] matrix from the thing's own axes to the world's; it may hold a uniform scale."""

_UPRIGHT: Final = 1e-6
"""Cosine of the pitch below which yaw and roll are one angle."""


@dataclass(frozen=True, slots=True)
class Pose:
    """A place and a direction, applied as Rz(yaw) Ry(pitch) Rx(roll)."""

    x_m: float
    y_m: float
    z_m: float
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def matrix(self, scale: float = 1.0) -> PoseMatrix:
        """[4,4] matrix from the thing's own axes, in units of `scale` metres, to the world's."""
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
        turn = np.array(
            [
                [cp * cy, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
                [cp * sy, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
                [0.0 - sp, cp * sr, cp * cr],
            ]
        )
        matrix = np.eye(4)
        matrix[:3, :3] = turn * scale
        matrix[:3, 3] = self.x_m, self.y_m, self.z_m
        return matrix


def scale_of(matrix: PoseMatrix) -> float:
    """The uniform scale that a pose matrix holds."""
    return float(np.cbrt(np.linalg.det(matrix[:3, :3])))


def pose_from_matrix(matrix: PoseMatrix) -> Pose:
    """The pose whose matrix this is; a uniform scale is dropped, and straight up or down the roll is 0."""
    turn = matrix[:3, :3] / scale_of(matrix)
    level = np.hypot(turn[0, 0], turn[1, 0])
    pitch = -np.arctan2(turn[2, 0], level)
    if level > _UPRIGHT:
        yaw, roll = np.arctan2(turn[1, 0], turn[0, 0]), np.arctan2(turn[2, 1], turn[2, 2])
    else:
        yaw, roll = -np.arctan2(turn[0, 1], turn[1, 1]), 0.0
    x, y, z = (float(v) for v in matrix[:3, 3])
    return Pose(x, y, z, *(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))

"""Whether two turned boxes overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.poses import PoseMatrix

_TOUCH_M: Final = 0.01
"""Boxes that overlap by less than this only touch."""


@dataclass(frozen=True, slots=True, eq=False)
class TurnedBox:
    """Centre [3], unit axes as columns [3,3], half sizes [3], in metres."""

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    half: NDArray[np.float64]

    @classmethod
    def of(cls, pose: PoseMatrix, centre_m: NDArray[np.float64], extent_m: NDArray[np.float64]) -> TurnedBox:
        """A thing's own box at a pose; a uniform scale of the pose is applied."""
        scale = float(np.cbrt(np.linalg.det(pose[:3, :3])))
        return cls(pose[:3, :3] @ centre_m + pose[:3, 3], pose[:3, :3] / scale, extent_m * scale)


def overlap(a: TurnedBox, b: TurnedBox) -> bool:
    """Whether no plane parts the boxes.

    Source: the separating axis theorem; candidates are both boxes' axes and their nine cross products.
    """
    crosses = np.cross(a.axes.T[:, None, :], b.axes.T[None, :, :]).reshape(9, 3)
    lengths = np.linalg.norm(crosses, axis=1)
    skew = lengths > 1e-6
    candidates = np.concatenate([a.axes.T, b.axes.T, crosses[skew] / lengths[skew, None]])
    reach = np.abs(candidates @ a.axes) @ a.half + np.abs(candidates @ b.axes) @ b.half
    apart = np.abs(candidates @ (b.centre - a.centre))
    return bool((apart < reach - _TOUCH_M).all())

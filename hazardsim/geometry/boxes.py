"""Oriented boxes: what occupies room, what stands in the way of a view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.poses import Pose, PoseMatrix, scale_of

Array = NDArray[np.float64]

_TOUCH_M: Final = 0.01
"""Solid things that overlap by at most this much only touch."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box: centre and half sizes in metres, turned by `yaw_deg` about z."""

    centre_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    yaw_deg: float = 0.0

    def corners(self) -> Array:
        """The eight corners, [8,3]."""
        signs = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
        return np.asarray(signs * np.array(self.half_m) @ self.axes().T + np.array(self.centre_m), dtype=np.float64)

    def footprint(self) -> Array:
        """Centre and the four ground corners, [5,2]."""
        signs = np.array([(0, 0), (-1, -1), (-1, 1), (1, 1), (1, -1)], dtype=np.float64)
        turned = signs * np.array(self.half_m[:2]) @ self.axes()[:2, :2].T
        return np.asarray(turned + np.array(self.centre_m[:2]), dtype=np.float64)

    def axes(self) -> Array:
        """The box's unit axes as columns, [3,3]."""
        c, s = np.cos(np.radians(self.yaw_deg)), np.sin(np.radians(self.yaw_deg))
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def box_on_ground(pose: Pose, size_m: tuple[float, float, float]) -> Box:
    """The box of a thing of size (length, width, height) that stands at `pose`."""
    length, width, height = size_m
    return Box((pose.x_m, pose.y_m, pose.z_m + height / 2), (length / 2, width / 2, height / 2), pose.yaw_deg)


@dataclass(frozen=True, slots=True, eq=False)
class OrientedBox:
    """A box turned about any axis: centre [3], unit axes as columns [3,3], half sizes [3], in metres."""

    centre: Array
    axes: Array
    half: Array

    @classmethod
    def of(cls, pose: PoseMatrix, centre_m: Array, extent_m: Array) -> OrientedBox:
        """A thing's own box at a pose; a uniform scale of the pose is applied."""
        scale = scale_of(pose)
        return cls(pose[:3, :3] @ centre_m + pose[:3, 3], pose[:3, :3] / scale, extent_m * scale)


def overlap(a: OrientedBox, b: OrientedBox) -> bool:
    """Whether two boxes share more than a touch."""
    crosses = np.cross(a.axes.T[:, None, :], b.axes.T[None, :, :]).reshape(9, 3)
    lengths = np.linalg.norm(crosses, axis=1)
    skew = lengths > 1e-6
    directions = np.concatenate([a.axes.T, b.axes.T, crosses[skew] / lengths[skew, None]])
    apart = _separated(b.centre - a.centre, directions[None], (a.axes, a.half), (b.axes, b.half), _TOUCH_M)
    return not bool(apart[0])


def _separated(
    offset: Array, directions: Array, first: tuple[Array, Array], second: tuple[Array, Array], touch_m: float = 0.0
) -> NDArray[np.bool_]:
    """Which of N pairs of boxes some direction parts, [N].

    `offset` [N,3] is from centre to centre, `directions` [N,D,3] are unit vectors, and the boxes of a pair are given by
    their axes [N,3,3] (as columns) and half sizes [N,3]; what is the same in all pairs may lack the N. Boxes that
    overlap by at most `touch_m` count as parted.

    Source: the separating axis theorem. Boxes are disjoint if and only if their projections are, on an axis of one of
    them or on a cross product of two of their axes (Gottschalk, Lin and Manocha, OBBTree, 1996).
    """
    gap = np.abs((directions @ offset[..., None])[..., 0])
    reach = sum((np.abs(directions @ axes) @ half[..., None])[..., 0] for axes, half in (first, second))
    return np.asarray((gap > reach - touch_m).any(axis=-1), dtype=np.bool_)


class BoxField:
    """Many upright boxes, asked together."""

    def __init__(self, boxes: tuple[Box, ...]) -> None:
        self._centres = np.array([b.centre_m for b in boxes], dtype=np.float64).reshape(-1, 3)
        self._halves = np.array([b.half_m for b in boxes], dtype=np.float64).reshape(-1, 3)
        self._axes = np.array([b.axes() for b in boxes], dtype=np.float64).reshape(-1, 3, 3)

    def meets(self, box: Box) -> bool:
        """Whether `box` overlaps any of the boxes."""
        if not len(self._centres):
            return False
        axes = box.axes()
        own = np.broadcast_to(axes.T, self._axes.shape)
        # Two upright boxes have z in common: the cross products of their axes are z and the other box's x and y again.
        directions = np.concatenate([own, np.swapaxes(self._axes[..., :2], 1, 2)], axis=1)
        offset = self._centres - np.array(box.centre_m)
        apart = _separated(offset, directions, (self._axes, self._halves), (axes, np.array(box.half_m)))
        return not bool(apart.all())

    def blocks(self, start: Array, ends: Array) -> NDArray[np.bool_]:
        """Which of the segments from `start` [3] to `ends` [N,3] pass through a box, [N]."""
        if not len(self._centres):
            return np.zeros(len(ends), dtype=np.bool_)
        first = self._local(start[None])[:, 0]
        step = self._local(ends) - first[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            near = (-self._halves - first)[:, None] / step
            far = (self._halves - first)[:, None] / step
        low = np.nanmax(np.minimum(near, far), axis=2, initial=0.0)
        high = np.nanmin(np.maximum(near, far), axis=2, initial=1.0)
        return np.asarray((low < high).any(axis=0), dtype=np.bool_)

    def _local(self, points: Array) -> Array:
        """Points [P,3] in the axes of each box, [B,P,3]."""
        return np.asarray((points[None] - self._centres[:, None]) @ self._axes, dtype=np.float64)

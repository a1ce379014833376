"""Oriented boxes: what occupies room, what stands in the way of a view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.poses import Pose

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box: centre and half sizes in metres, turned by `yaw_deg` about z."""

    centre_m: tuple[float, float, float]
    half_m: tuple[float, float, float]
    yaw_deg: float = 0.0

    def corners(self) -> Array:
        """The eight corners, [8,3]."""
        signs = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
        return np.asarray(signs * np.array(self.half_m) @ self._turn().T + np.array(self.centre_m), dtype=np.float64)

    def footprint(self) -> Array:
        """Centre and the four ground corners, [5,2]."""
        signs = np.array([(0, 0), (-1, -1), (-1, 1), (1, 1), (1, -1)], dtype=np.float64)
        turned = signs * np.array(self.half_m[:2]) @ self._turn()[:2, :2].T
        return np.asarray(turned + np.array(self.centre_m[:2]), dtype=np.float64)

    def _turn(self) -> Array:
        c, s = np.cos(np.radians(self.yaw_deg)), np.sin(np.radians(self.yaw_deg))
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def box_on_ground(pose: Pose, size_m: tuple[float, float, float]) -> Box:
    """The box of a thing of size (length, width, height) that stands at `pose`."""
    length, width, height = size_m
    return Box((pose.x_m, pose.y_m, pose.z_m + height / 2), (length / 2, width / 2, height / 2), pose.yaw_deg)


class BoxField:
    """Many boxes, asked together.

    The separating-axis test of two upright boxes needs their own x and y axes and z, no others.
    """

    def __init__(self, boxes: tuple[Box, ...]) -> None:
        self._centres = np.array([b.centre_m for b in boxes], dtype=np.float64).reshape(-1, 3)
        self._halves = np.array([b.half_m for b in boxes], dtype=np.float64).reshape(-1, 3)
        yaw = np.radians([b.yaw_deg for b in boxes]) if boxes else np.zeros(0)
        self._axes = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1).reshape(-1, 2)

    def meets(self, box: Box) -> bool:
        """Whether `box` overlaps any of the boxes."""
        if not len(self._centres):
            return False
        offset = self._centres - np.array(box.centre_m)
        apart = np.abs(offset[:, 2]) > self._halves[:, 2] + box.half_m[2]
        own = np.array([np.cos(np.radians(box.yaw_deg)), np.sin(np.radians(box.yaw_deg))])
        own_axes = np.broadcast_to(own, self._axes.shape)
        for axis in (self._axes, _left(self._axes), own_axes, _left(own_axes)):
            gap = np.abs(np.sum(offset[:, :2] * axis, axis=1))
            apart |= gap > _reach(axis, self._axes, self._halves) + _reach(axis, own_axes, np.array([box.half_m]))
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
        offset = points[None] - self._centres[:, None]
        along = np.sum(offset[..., :2] * self._axes[:, None], axis=-1)
        across = np.sum(offset[..., :2] * _left(self._axes)[:, None], axis=-1)
        return np.stack([along, across, offset[..., 2]], axis=-1)


def _left(axes: Array) -> Array:
    return np.stack([-axes[:, 1], axes[:, 0]], axis=-1)


def _reach(axis: Array, box_axes: Array, halves: Array) -> Array:
    along = np.abs(np.sum(axis * box_axes, axis=1)) * halves[:, 0]
    across = np.abs(np.sum(axis * _left(box_axes), axis=1)) * halves[:, 1]
    return np.asarray(along + across, dtype=np.float64)

"""Quasi-random numbers of light paths."""

from __future__ import annotations

from hazardsim.server.render.arrays import Float, Point2f, UInt32
from hazardsim.server.render.variant import native


class PathNumbers:
    """Numbers in 0..1 for each path: one low-discrepancy sequence over the paths of a pixel, shifted by a hash.

    Source: Roberts 2018, the R2 sequence; Cranley and Patterson 1976 for the shift, which differs from pixel to pixel
    and dimension to dimension.

    Args:
        pixel: number of each path's pixel.
        index: number of each path in its pixel.
        seed: equal seeds give equal numbers.
    """

    def __init__(self, pixel: UInt32, index: Float, seed: UInt32) -> None:
        _, mi = native()

        self._hashed = pixel ^ (seed * mi.UInt32(0x9E3779B1))
        self._index = index
        self._along = index * 0.7548776662466927
        self._across = index * 0.5698402909980532

    def pair(self, dimension: UInt32) -> Point2f:
        """Two numbers that cover the square evenly; they use up `dimension` and the next one."""
        dr, mi = native()

        a, b = self._shift(dimension) + self._along, self._shift(dimension + 1) + self._across
        return mi.Point2f(a - dr.floor(a), b - dr.floor(b))

    def single(self, dimension: UInt32) -> Float:
        """A number that covers 0..1 evenly."""
        dr, _ = native()

        a = self._shift(dimension) + self._index * 0.6180339887498949
        return a - dr.floor(a)

    def _shift(self, dimension: UInt32) -> Float:
        _, mi = native()

        return mi.sample_tea_float32(self._hashed, dimension, 4)

"""A feature of the map: a point, a line or an area with OpenStreetMap tags, in metres."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """A point, an open line or a closed outline with its tags.

    `points` [N,2] in metres; the first point of a closed outline is not repeated. `holes` are outlines [M,2] inside a
    closed one, likewise.
    """

    tags: Mapping[str, str]
    points: NDArray[np.float64]
    closed: bool = False
    holes: tuple[NDArray[np.float64], ...] = ()

    def number(self, key: str, default: float) -> float:
        """The number that a tag begins with, or the default."""
        text = self.tags.get(key, "").split(";")[0].replace("m", "").strip()
        try:
            value = float(text)
        except ValueError:
            return default
        return value if math.isfinite(value) else default

    def area(self) -> BaseGeometry:
        """The area inside a closed outline and outside its holes; empty for anything else."""
        if not self.closed or len(self.points) < 3:
            return shapely.Polygon()
        return shapely.Polygon(self.points, self.holes).buffer(0)

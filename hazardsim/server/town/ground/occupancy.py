"""Which places of a town are taken, and walks along its roads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.solid import Floats, polygons

_CELL_M = 16.0


@dataclass(slots=True, eq=False)
class Occupancy:
    """Areas that are taken, in a grid of cells."""

    _cells: dict[tuple[int, int], list[BaseGeometry]] = field(default_factory=dict)

    def _keys(self, area: BaseGeometry) -> Iterator[tuple[int, int]]:
        x0, y0, x1, y1 = (int(np.floor(v / _CELL_M)) for v in area.bounds)
        for x in range(x0, x1 + 1):
            for y in range(y0, y1 + 1):
                yield x, y

    def is_free(self, area: BaseGeometry) -> bool:
        """Whether the area meets nothing that was taken."""
        return not any(area.intersects(other) for key in self._keys(area) for other in self._cells.get(key, ()))

    def take(self, area: BaseGeometry) -> None:
        """Mark an area as taken."""
        for key in self._keys(area):
            self._cells.setdefault(key, []).append(area)

    def claim(self, area: BaseGeometry) -> bool:
        """Take the area if it is free, and say whether it was."""
        if not self.is_free(area):
            return False
        self.take(area)
        return True


@dataclass(frozen=True, slots=True)
class Spot:
    """A point beside a road: place, and the direction of walking with the road on the left."""

    x: float
    y: float
    along_rad: float


def kerb_lines(road: BaseGeometry, offset_m: float, is_sharp: bool = False) -> list[Floats]:
    """Closed lines [N,2] at a distance from the carriageway, walked with the road on the left."""
    join: Literal["mitre", "round"] = "mitre" if is_sharp else "round"
    rings = []
    for polygon in polygons(road.buffer(offset_m, join_style=join, quad_segs=4).simplify(0.25 if is_sharp else 0.02)):
        whole = shapely.orient_polygons(polygon)
        rings += [np.array(r.coords)[:, :2] for r in (whole.exterior, *whole.interiors)]
    return rings


def spots(line: Floats, first_m: float, step_m: float) -> list[Spot]:
    """Points on a line, every `step_m`."""
    path = shapely.LineString(line)
    out = []
    for s in np.arange(first_m, path.length - step_m * 0.4, step_m):
        a, b = (np.array(path.interpolate(t).coords)[0] for t in (max(s - 0.5, 0.0), min(s + 0.5, path.length)))
        x, y = np.array(path.interpolate(float(s)).coords)[0]
        out.append(Spot(float(x), float(y), float(np.arctan2(b[1] - a[1], b[0] - a[0]))))
    return out

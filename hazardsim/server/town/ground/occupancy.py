"""Which places of a town are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from shapely.geometry.base import BaseGeometry

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

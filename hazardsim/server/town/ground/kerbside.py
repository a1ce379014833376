"""Lines beside the carriageway, and points along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.outline import polygons
from hazardsim.mesh.solid import Floats


@dataclass(frozen=True, slots=True)
class KerbPoint:
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


def kerb_points(line: Floats, first_m: float, step_m: float) -> list[KerbPoint]:
    """Points on a line, every `step_m`."""
    path = shapely.LineString(line)
    out = []
    for s in np.arange(first_m, path.length - step_m * 0.4, step_m):
        a, b = (np.array(path.interpolate(t).coords)[0] for t in (max(s - 0.5, 0.0), min(s + 0.5, path.length)))
        x, y = np.array(path.interpolate(float(s)).coords)[0]
        out.append(KerbPoint(float(x), float(y), float(np.arctan2(b[1] - a[1], b[0] - a[0]))))
    return out

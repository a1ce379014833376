"""OpenStreetMap multipolygons: ways of any number and order become areas with holes.

Source: https://wiki.openstreetmap.org/wiki/Relation:multipolygon
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

_LEAST_M2 = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Multipolygon:
    """The areas of one relation, and what is wrong with it, a phrase each."""

    polygons: tuple[shapely.Polygon, ...]
    faults: tuple[str, ...]


def assemble_multipolygon(
    outer: Mapping[str, NDArray[np.float64]], inner: Mapping[str, NDArray[np.float64]]
) -> Multipolygon:
    """The area inside the outer rings and outside the inner ones; an outer ring inside an inner one is an island.

    `outer` and `inner` map the id of a way to its points [N,2]; ways that share end points are joined to rings. A ring
    that crosses itself is cut where it crosses; a way that belongs to no closed ring is left out. Both are faults.
    """
    faults: list[str] = []
    faces = _faces(outer, faults)
    holes = shapely.union_all(_faces(inner, faults))
    whole = shapely.union_all(faces)
    if holes.difference(whole).area > _LEAST_M2:
        faults.append("an inner ring lies outside the outer ones")
    islands = [face for face in faces if holes.covers(face)]
    area = shapely.union_all([whole.difference(holes), *islands])
    kept = (p for p in shapely.get_parts(shapely.normalize(area)) if isinstance(p, shapely.Polygon))
    return Multipolygon(tuple(p for p in kept if p.area > _LEAST_M2), tuple(faults))


def _faces(ways: Mapping[str, NDArray[np.float64]], faults: list[str]) -> list[BaseGeometry]:
    """The areas that the ways enclose."""
    lines = {way: shapely.LineString(points) for way, points in ways.items()}
    if not lines:
        return []
    _, _, _, crossing = shapely.polygonize_full(list(lines.values()))
    faults += [f"way {way} crosses itself" for way, line in lines.items() if not line.is_simple]
    if not crossing.is_empty and all(line.is_simple for line in lines.values()):
        faults.append("a ring crosses itself")
    noded = shapely.get_parts(shapely.union_all(list(lines.values())))
    faces, cuts, dangles, _ = shapely.polygonize_full(noded)
    loose = shapely.union_all([*shapely.get_parts(cuts), *shapely.get_parts(dangles)])
    if not loose.is_empty:
        faults += [
            f"way {way} belongs to no closed ring"
            for way, line in lines.items()
            if line.intersection(loose).length > 0.0
        ]
    return list(shapely.get_parts(faces))

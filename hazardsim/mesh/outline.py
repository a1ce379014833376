"""Areas on the ground (shapely's polygons) as triangles: filled, and walled along their outline."""

from __future__ import annotations

import mapbox_earcut
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.solid import Solid, joined, planar_quads


def polygons(area: BaseGeometry) -> list[shapely.Polygon]:
    """The polygons of any geometry, slivers left out."""
    return [
        p
        for p in (area.geoms if hasattr(area, "geoms") else [area])
        if isinstance(p, shapely.Polygon) and p.area > 1e-3
    ]


def fitted_box(area: BaseGeometry) -> shapely.Polygon:
    """The smallest rectangle, at any angle, around an area."""
    rectangle = area.minimum_rotated_rectangle
    if not isinstance(rectangle, shapely.Polygon):
        raise TypeError(f"an area of {area.area:.3g} m2 has no rectangle around it")
    return rectangle


def cap(area: BaseGeometry, z: float, down: bool = False) -> Solid:
    """Triangles that fill an area at height `z`, facing up (or down), uv = world x, y."""
    solids = [_cap(p, z, down) for p in polygons(area)]
    if not solids:
        return Solid(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), np.zeros((0, 2)))
    return joined(solids)


def _cap(polygon: shapely.Polygon, z: float, down: bool) -> Solid:
    rings = [np.array(r.coords)[:-1, :2] for r in (polygon.exterior, *polygon.interiors)]
    flat = np.concatenate(rings)
    ends = np.cumsum([len(r) for r in rings]).astype(np.uint32)
    faces = np.asarray(mapbox_earcut.triangulate_float64(flat, ends), dtype=np.int64).reshape(-1, 3)
    a, b, c = flat[faces[:, 0]], flat[faces[:, 1]], flat[faces[:, 2]]
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    wrong = turn > 0 if down else turn < 0
    faces[wrong] = faces[wrong][:, ::-1]
    faces = faces[np.abs(turn) > 1e-9]
    return Solid(np.column_stack([flat, np.full(len(flat), z)]), faces, flat)


def skirt(area: BaseGeometry, low: float, high: float, outward: bool = True) -> Solid:
    """Upright walls on the outline of an area, holes too, facing out of it (or into it)."""
    tables = []
    for polygon in polygons(area):
        for ring in shapely.get_rings(shapely.normalize(polygon)):
            points = np.array(ring.coords)[:, :2]
            hole = ring.equals(polygon.exterior) is False
            ccw = shapely.is_ccw(ring)
            if ccw == hole:
                points = points[::-1]
            if not outward:
                points = points[::-1]
            a, b = points[:-1], points[1:]
            tables.append(
                np.stack(
                    [np.column_stack([p, np.full(len(p), z)]) for p, z in ((a, low), (b, low), (b, high), (a, high))],
                    axis=1,
                )
            )
    if not tables:
        return cap(shapely.Polygon(), 0.0)
    return planar_quads(np.concatenate(tables))

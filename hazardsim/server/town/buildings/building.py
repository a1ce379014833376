"""Buildings: walls around a footprint and its courtyards, and a roof."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.outline import skirt
from hazardsim.mesh.solid import Floats
from hazardsim.server.town import palette
from hazardsim.server.town.buildings.facade import WallQuads, WallRole, fill_wall
from hazardsim.server.town.buildings.roofs import add_band, add_roof, is_pitched
from hazardsim.server.town.buildings.style import BuildingStyle
from hazardsim.taxonomy import TAG

_TAG = TAG["Buildings"]
_FOOTING_M = 1.0
_SEEN_M, _SEEN_LOW_M = 9.5, 15.0


def add_building(
    builder: Builder,
    footprint: shapely.Polygon,
    style: BuildingStyle,
    object_id: int,
    ground_m: float,
    road: BaseGeometry,
    neighbours: BaseGeometry,
    rng: np.random.Generator,
) -> None:
    """Add one building. `road` decides the front, `neighbours` which walls are shared; courtyards stay open."""
    starts, ends = _walls(footprint)
    lengths = np.linalg.norm(ends - starts, axis=1)
    streetward = len(footprint.exterior.coords) - 1
    front = _front(starts[:streetward], ends[:streetward], lengths[:streetward], road)
    for k, length in enumerate(lengths):
        if length < 0.05:
            continue
        along = (ends[k] - starts[k]) / length
        middle = (starts[k] + ends[k]) / 2 + np.array([along[1], -along[0]]) * 0.6
        is_party = bool(shapely.intersects(neighbours, shapely.Point(middle)))
        quads = WallQuads(starts[k], along, ground_m)
        ahead = shapely.Point((starts[k] + ends[k]) / 2 + np.array([along[1], -along[0]]) * 6.0)
        is_back = k != front and not shapely.dwithin(road, ahead, _SEEN_M if style.storeys > 3 else _SEEN_LOW_M)
        fill_wall(quads, float(length), style, WallRole(k == front, is_party, is_back), rng)
        for solid, material in quads.solids():
            builder.add(solid, material, _TAG, object_id)
    builder.add(skirt(footprint, ground_m - _FOOTING_M, ground_m), palette.CONCRETE, _TAG, object_id)
    add_roof(builder, footprint, style, ground_m + style.eaves_m, object_id, rng)
    if not is_pitched(footprint, style) and (style.has_shop or style.base is not style.wall):
        add_band(builder, footprint, ground_m + style.ground_m - 0.12, 0.16, 0.07, style, object_id)


def _walls(footprint: shapely.Polygon) -> tuple[Floats, Floats]:
    """Starts and ends [K,2] of all walls, the outer ones first, each with the outside on its right."""
    whole = shapely.normalize(footprint)
    starts, ends = [], []
    for ring, is_outer in ((whole.exterior, True), *((r, False) for r in whole.interiors)):
        points = np.array(ring.coords)[:, :2]
        if shapely.is_ccw(ring) != is_outer:
            points = points[::-1]
        starts.append(points[:-1])
        ends.append(points[1:])
    return np.concatenate(starts), np.concatenate(ends)


def _front(starts: Floats, ends: Floats, lengths: Floats, road: BaseGeometry) -> int:
    """The wall that looks at the nearest road."""
    best, chosen = math.inf, 0
    for k in range(len(starts)):
        if lengths[k] < 2.4:
            continue
        along = (ends[k] - starts[k]) / lengths[k]
        out = np.array([along[1], -along[0]])
        point = (starts[k] + ends[k]) / 2 + out * 2.0
        distance = float(shapely.distance(road, shapely.Point(point))) - 0.05 * float(lengths[k])
        if distance < best:
            best, chosen = distance, k
    return chosen

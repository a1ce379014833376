"""The areas of the ground seen from above: lanes, carriageway, sidewalks, parking bays, water."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.outline import polygons
from hazardsim.mesh.solid import Floats
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.network import FAST_MPS, Lane, Network
from hazardsim.server.town.maps.polyline import Polyline

KERB_M: Final = 0.13
_SHOULDER_M: Final = 1.0
KERB_WIDE_M, WALK_WIDE_M = 0.15, 2.6
_PAVED: Final = frozenset(
    {"driving", "bidirectional", "entry", "exit", "onRamp", "offRamp", "shoulder", "stop"}
    | {"biking", "parking", "border", "restricted", "tram"}
)
LAWN_DROP_M = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Carriageway at one level: its area, and the points [N,3] that give its heights."""

    area: BaseGeometry
    samples: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Areas seen from above; `lanes` are the driving ones, `road` all carriageway, `built` road and sidewalks.

    `fast` is the part of the lanes that nobody walks or lives beside: motorways and the like.
    """

    lanes: BaseGeometry
    fast: BaseGeometry
    road: BaseGeometry
    walk: BaseGeometry
    built: BaseGeometry
    water: BaseGeometry
    bays: tuple[shapely.Polygon, ...]
    pieces: tuple[Piece, ...]
    samples: Floats
    is_flat: bool

    def height(self, x: float, y: float) -> float:
        """Height of what one stands on beside the carriageway."""
        if self.is_flat:
            return float(self.samples[0, 2]) + KERB_M
        gap = ((self.samples[:, :2] - (x, y)) ** 2).sum(axis=1)
        beside = KERB_M if shapely.intersects_xy(self.built, x, y) else -LAWN_DROP_M
        return float(self.samples[int(gap.argmin()), 2]) + beside

    def by_fast_road(self, x: float, y: float, within_m: float) -> bool:
        """Whether a place is so near to a motorway or the like."""
        return bool(self.fast.distance(shapely.Point(x, y)) < within_m)


def lay_out_ground(network: Network, features: Sequence[Feature], rng: np.random.Generator) -> Ground:
    """Work out the areas; parking bays are cut into the sidewalks where the map has no parking lanes."""
    paved = [s for s in network.lanes if s.kind in _PAVED]
    lanes = shapely.union_all([s.polygon() for s in network.driving()])
    has_parking = any(s.kind == "parking" for s in network.lanes)
    bays = () if has_parking or not network.is_flat else _bays(network, lanes, rng)
    flat = network.is_flat
    groups: dict[tuple[int, int], list[Lane]] = {}
    for lane in paved:
        key = (0, 0) if flat else (lane.junction, lane.road if lane.junction < 0 else -1)
        groups.setdefault(key, []).append(lane)
    pieces = tuple(_piece(g, bays if flat else ()) for g in groups.values())
    road = shapely.union_all([p.area for p in pieces])
    samples = np.concatenate([p.samples for p in pieces])
    sides = [s.polygon() for s in network.lanes if s.kind == "sidewalk"]
    rim = road.buffer(KERB_WIDE_M, quad_segs=4)
    slow, fast = road, shapely.union_all([s.polygon() for s in network.driving() if s.speed > FAST_MPS])
    if flat and not fast.is_empty:
        slow = road.difference(fast.buffer(_SHOULDER_M, join_style="mitre"))
    reach = shapely.union_all([rim, slow.buffer(KERB_WIDE_M + WALK_WIDE_M, quad_segs=6)])
    built = _without_crumbs(shapely.union_all([reach, *sides]), 60.0)
    walk = built.difference(rim)
    wet = [f.area() for f in features if f.tags.get("natural") == "water" or f.tags.get("waterway") == "riverbank"]
    wet += [_river(f) for f in features if f.tags.get("waterway") in ("river", "canal", "stream") and not f.closed]
    water = shapely.union_all(wet).difference(built) if wet and flat else shapely.Polygon()
    return Ground(lanes, fast, road, walk, built, water, bays, pieces, samples, flat)


def _river(feature: Feature) -> BaseGeometry:
    wide = {"river": 14.0, "canal": 9.0, "stream": 3.0}[feature.tags["waterway"]]
    return shapely.LineString(feature.points).buffer(feature.number("width", wide) / 2, cap_style="flat")


def _without_crumbs(area: BaseGeometry, least_m2: float) -> BaseGeometry:
    """The area with small holes filled."""
    kept = [
        shapely.Polygon(p.exterior, [r for r in p.interiors if shapely.Polygon(r).area > least_m2])
        for p in polygons(area)
    ]
    return shapely.union_all(kept)


def _piece(lanes: Sequence[Lane], bays: Sequence[shapely.Polygon]) -> Piece:
    whole = [s.polygon() for s in lanes]
    for junction in sorted({s.junction for s in lanes if s.junction >= 0}):
        inner = shapely.union_all([s.polygon() for s in lanes if s.junction == junction])
        whole.append(inner.buffer(4.0, join_style="mitre").buffer(-4.0, join_style="mitre", mitre_limit=2.0))
    area = shapely.union_all([*whole, *bays]).buffer(0.4, join_style="mitre").buffer(-0.4, join_style="mitre")
    return Piece(
        _without_crumbs(area, 25.0).simplify(0.01),
        np.concatenate([e for s in lanes for e in (s.edge(1.0), s.edge(-1.0), s.centre)]),
    )


def _bays(network: Network, lanes: BaseGeometry, rng: np.random.Generator) -> tuple[shapely.Polygon, ...]:
    """Parallel parking pockets 2.2 m deep on the right of outermost lanes, in places."""
    out: list[shapely.Polygon] = []
    for lane in network.driving():
        if lane.junction >= 0 or lane.length_m < 42.0 or lane.speed > FAST_MPS or rng.random() < 0.35:
            continue
        edge = Polyline(lane.edge(-1.0))
        start = 16.0 + float(rng.uniform(0.0, 5.0))
        while start + 14.0 < edge.length_m - 18.0:
            long = min(float(rng.integers(2, 6)) * 6.0 + 2.0, edge.length_m - 18.0 - start)
            near = np.linspace(start, start + long, max(2, int(long / 3)))
            far = np.linspace(start + long - 1.6, start + 1.6, max(2, int(long / 3)))
            ring = np.concatenate([edge.at(near), edge.at(far) - edge.across(far) * 2.2])[:, :2]
            bay = shapely.Polygon(ring).buffer(0.02, join_style="mitre")
            outside = shapely.area(shapely.intersection(bay, lanes)) < 0.05 * bay.area
            if outside and bay.area > 15.0:
                out.append(bay)
            start += long + float(rng.uniform(12.0, 40.0))
    return tuple(out)

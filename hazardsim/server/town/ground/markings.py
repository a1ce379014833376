"""Paint on the road: lane lines, stop lines, zebra crossings, arrows and parking bays, 4 mm over the asphalt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material
from hazardsim.mesh.outline import cap
from hazardsim.mesh.solid import Floats, Solid, planar_quads
from hazardsim.server.town import palette
from hazardsim.server.town.maps import network as net
from hazardsim.server.town.maps.junctions import JunctionLeg
from hazardsim.server.town.maps.network import Lane, Network
from hazardsim.server.town.maps.polyline import Polyline
from hazardsim.taxonomy import TAG

LIFT_M: Final = 0.004
_LINE_M, _DASH_M, _GAP_M = 0.13, 3.0, 4.5
_TAG = TAG["RoadLines"]
_ZEBRA_M = (1.2, 4.4)
_ARROW: Final = np.array(
    [[-0.075, 0.0], [0.075, 0.0], [0.075, 2.2], [0.33, 2.2], [0.0, 3.4], [-0.33, 2.2], [-0.075, 2.2]]
)


def _band(curve: Polyline, s0: float, s1: float, left: float, right: float) -> Floats:
    """Quads [Q,4,3] between two offsets to the left, a step of at most 2 m."""
    s = np.linspace(s0, s1, max(2, int(np.ceil((s1 - s0) / 2.0)) + 1))
    points, side = curve.at(s) + np.array([0.0, 0.0, LIFT_M]), curve.across(s)
    a, b = points + side * left, points + side * right
    return np.stack([b[:-1], b[1:], a[1:], a[:-1]], axis=1)


def _line(curve: Polyline, kind: int, offset: float, ends: tuple[float, float]) -> list[Floats]:
    low, high = ends[0], curve.length_m - ends[1]
    if high - low < 1.0:
        return []

    def solid(at: float) -> list[Floats]:
        return [_band(curve, low, high, at + _LINE_M / 2, at - _LINE_M / 2)]

    def broken(at: float) -> list[Floats]:
        starts = np.arange(low + 0.5, high - 1.0, _DASH_M + _GAP_M)
        return [
            _band(curve, float(s), min(float(s) + _DASH_M, high), at + _LINE_M / 2, at - _LINE_M / 2) for s in starts
        ]

    pair = _LINE_M
    double = {
        net.SOLID_SOLID: (solid, solid),
        net.SOLID_BROKEN: (solid, broken),
        net.BROKEN_SOLID: (broken, solid),
        net.BROKEN_BROKEN: (broken, broken),
    }
    if kind in double:
        return double[kind][0](offset + pair) + double[kind][1](offset - pair)
    return solid(offset) if kind == net.SOLID else broken(offset) if kind == net.BROKEN else []


def add_markings(builder: Builder, network: Network, legs: Sequence[JunctionLeg], is_osm: bool) -> None:
    """Add all markings; from OSM the line kinds are chosen by road, else they are those of the OpenDRIVE file."""
    quads_of: dict[Material, list[Floats]] = {palette.WHITE_PAINT: [], palette.YELLOW_PAINT: []}
    driving = [s for s in network.driving() if s.junction < 0]
    crossing = {
        (id(s), is_in): a for a in legs for group, is_in in ((a.incoming, True), (a.outgoing, False)) for s in group
    }
    lefts = [shapely.LineString(s.edge(1.0)[:, :2]) for s in driving]
    tree = shapely.STRtree(lefts)
    by_road: dict[int, list[Lane]] = {}
    for lane in driving:
        by_road.setdefault(lane.road, []).append(lane)
    for index, lane in enumerate(driving):
        ends = (_clear(crossing.get((id(lane), False))), _clear(crossing.get((id(lane), True)), stop=True))
        peers = [s for s in by_road[lane.road] if s.lane_id * lane.lane_id > 0 and s is not lane]
        is_inner = not any(abs(s.lane_id) < abs(lane.lane_id) for s in peers)
        is_outer = not any(abs(s.lane_id) > abs(lane.lane_id) for s in peers)
        if is_inner:
            other = _opposing(index, driving, lefts, tree)
            if other is None or index < other:
                kind, paint_kind = _centre_kind(lane, len(peers), other is not None, is_osm)
                quads_of[paint_kind] += _line(Polyline(lane.edge(1.0)), kind, 0.0 if other is not None else -0.25, ends)
        if is_osm and is_outer and (peers or lane.speed > 15.0):
            quads_of[palette.WHITE_PAINT] += _line(Polyline(lane.edge(-1.0)), net.SOLID, 0.22, ends)
        elif not (is_osm and is_outer):
            kind = net.BROKEN if is_osm else int(lane.marks[len(lane.marks) // 2, 2])
            yellow = not is_osm and int(lane.marks[len(lane.marks) // 2, 3]) == net.YELLOW
            colour = palette.YELLOW_PAINT if yellow else palette.WHITE_PAINT
            quads_of[colour] += _line(Polyline(lane.edge(-1.0)), kind, 0.0 if not is_outer else 0.08, ends)
    for leg in legs:
        quads_of[palette.WHITE_PAINT] += _leg_markings(builder, leg)
    for material, tables in quads_of.items():
        if tables:
            builder.add(planar_quads(np.concatenate(tables)), material, _TAG)


def _clear(leg: JunctionLeg | None, stop: bool = False) -> float:
    """How far before the end of a lane its lines stop, so that a crossing and a stop line are clear."""
    if leg is None:
        return 0.0
    return (_ZEBRA_M[1] + (1.1 if stop else 0.4)) if leg.has_zebra else 0.5


def _opposing(index: int, driving: list[Lane], lefts: list[shapely.LineString], tree: shapely.STRtree) -> int | None:
    middle = lefts[index].interpolate(0.5, normalized=True)
    turn = driving[index].heading_rad[len(driving[index].heading_rad) // 2]
    for other in sorted(int(k) for k in tree.query(middle.buffer(0.6))):
        heading = driving[other].heading_rad[len(driving[other].heading_rad) // 2]
        if other != index and lefts[other].distance(middle) < 0.6 and np.cos(heading - turn) < -0.5:
            return other
    return None


def _centre_kind(lane: Lane, peers: int, two_way: bool, is_osm: bool) -> tuple[int, Material]:
    if not is_osm:
        kind, colour = (int(v) for v in lane.marks[len(lane.marks) // 2, :2])
        return kind, palette.YELLOW_PAINT if colour == net.YELLOW else palette.WHITE_PAINT
    if not two_way:
        return net.SOLID, palette.YELLOW_PAINT
    if peers:
        return net.SOLID_SOLID, palette.YELLOW_PAINT
    return net.BROKEN, palette.YELLOW_PAINT


def _leg_markings(builder: Builder, leg: JunctionLeg) -> list[Floats]:
    """Stop lines, zebra stripes and arrows of one leg."""
    out: list[Floats] = []
    for lane, is_in in [(s, True) for s in leg.incoming] + [(s, False) for s in leg.outgoing]:
        curve, long = Polyline(lane.centre), lane.length_m
        half = float(lane.width_m[-1]) / 2

        def at(s: float, c: Polyline = curve, back: bool = is_in) -> float:
            return c.length_m - s if back else s

        if leg.has_zebra:
            pitch = 2 * half / 4
            for k in range(4):
                left = half - pitch * (k + 0.25)
                s0, s1 = sorted((at(_ZEBRA_M[0]), at(_ZEBRA_M[1])))
                out.append(_band(curve, s0, s1, left, left - pitch * 0.5))
        if is_in and (leg.is_lit or leg.is_minor):
            back = _ZEBRA_M[1] + 0.9 if leg.has_zebra else 0.8
            if long > back + 1.0:
                out.append(_band(curve, at(back + 0.4), at(back), half - 0.15, 0.15 - half))
        if is_in and len(leg.incoming) > 1 and long > 30.0:
            _arrow(builder, curve, curve.length_m - 14.0)
    return out


def _arrow(builder: Builder, curve: Polyline, s: float) -> None:
    foot = curve.at(np.array([s]))[0]
    left = curve.across(np.array([s]))[0]
    ahead = np.array([left[1], -left[0], 0.0])
    flat = cap(shapely.Polygon(_ARROW), 0.0)
    points = foot + np.array([0, 0, LIFT_M]) + flat.vertices[:, :1] * -left + flat.vertices[:, 1:2] * ahead
    builder.add(Solid(points, flat.faces, flat.uv), palette.WHITE_PAINT, _TAG)

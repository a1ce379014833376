"""Writes the shipped towns: street plans by hand, the rest invented from the seed, all as OpenStreetMap XML.

Usage: `python scenarios/towns/make_towns.py [FOLDER]`; the .osm files beside this script are its output.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.town.arms import arms_of
from hazardsim.server.town.ground import lay_out
from hazardsim.server.town.invent import Character, Inventor, invented
from hazardsim.server.town.network import read_network
from hazardsim.server.town.osm import Feature, metres_per_degree, read_osm

_ORIGIN = (49.0, 8.0)
_HALF_M = 320.0
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """A street plan: ways as points in metres with tags, junction points with lights, and areas."""

    character: Character
    streets: tuple[tuple[tuple[Point, ...], Mapping[str, str]], ...]
    signals: frozenset[Point]
    areas: tuple[tuple[tuple[Point, ...], Mapping[str, str], bool], ...]


def _arc(centre: Point, radius: float, start_deg: float, steps: int = 7) -> list[Point]:
    """A left-hand quarter circle."""
    angle = np.radians(np.linspace(start_deg, start_deg + 90.0, steps))
    return [
        (round(centre[0] + radius * float(np.cos(a)), 3), round(centre[1] + radius * float(np.sin(a)), 3))
        for a in angle
    ]


def _rect(x0: float, y0: float, x1: float, y1: float) -> tuple[Point, ...]:
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _ring(half_x: float, half_y: float, radius: float, stops: Sequence[Point]) -> tuple[Point, ...]:
    """A closed rectangle with round corners, counter-clockwise, through `stops` on its sides."""
    x, y, r = half_x - radius, half_y - radius, radius
    ring: list[Point] = []
    sides = (
        (sorted((p for p in stops if p[1] == -half_y), key=lambda p: p[0]), _arc((x, -y), r, -90.0)),
        (sorted((p for p in stops if p[0] == half_x), key=lambda p: p[1]), _arc((x, y), r, 0.0)),
        (sorted((p for p in stops if p[1] == half_y), key=lambda p: -p[0]), _arc((-x, y), r, 90.0)),
        (sorted((p for p in stops if p[0] == -half_x), key=lambda p: -p[1]), _arc((-x, -y), r, 180.0)),
    )
    for on_side, corner in sides:
        ring += [*on_side, *corner]
    return (*ring, ring[0])


def town01() -> Plan:
    """A small town of T-junctions with a river and three bridges."""
    calm = {"highway": "residential", "lanes": "2", "maxspeed": "30"}
    loop = {"highway": "tertiary", "lanes": "2", "maxspeed": "50"}
    stops = ((-60.0, -160.0), (75.0, -160.0), (190.0, 15.0), (-60.0, 160.0), (-190.0, -70.0))
    river = tuple((float(x), round(88.0 + 9.0 * float(np.sin(x / 60.0)), 3)) for x in range(-300, 301, 20))
    quay = [
        (tuple((x, round(y + side * 8.1, 3)) for x, y in river[a:b]), {"barrier": "railing", "height": "1.1"}, False)
        for side in (-1.0, 1.0)
        for a, b in ((7, 12), (14, 18), (18, 24))
    ]
    return Plan(
        character="village",
        streets=(
            (_ring(190.0, 160.0, 26.0, stops), loop),
            (((-60.0, -160.0), (-60.0, -70.0), (-60.0, 15.0), (-60.0, 160.0)), calm),
            (((-60.0, 15.0), (75.0, 15.0), (190.0, 15.0)), calm),
            (((75.0, 15.0), (75.0, -160.0)), calm),
            (((-190.0, -70.0), (-60.0, -70.0)), calm),
        ),
        signals=frozenset({(75.0, 15.0), (-60.0, 15.0)}),
        areas=(
            (river, {"waterway": "river", "width": "15"}, False),
            (_rect(-30.0, -60.0, 40.0, -20.0), {"leisure": "park"}, True),
            (_rect(-30.0, -112.0, 20.0, -92.0), {"amenity": "parking"}, True),
            *quay,
        ),
    )


def town05() -> Plan:
    """A squared grid of multi-lane streets with lit crossings inside a faster ring."""
    street = {"highway": "secondary", "lanes": "4", "maxspeed": "50"}
    avenue = {"highway": "primary", "lanes": "6", "maxspeed": "50"}
    ring = {"highway": "primary", "lanes": "4", "maxspeed": "70"}
    a, b = 70.0, 200.0
    stops = tuple((s * a, t * b) for s in (-1, 1) for t in (-1, 1)) + tuple(
        (t * b, s * a) for s in (-1, 1) for t in (-1, 1)
    )
    crossings = tuple((s * a, t * a) for s in (-1, 1) for t in (-1, 1))
    spans = ((-b + 30.0, -a - 30.0), (-a + 30.0, a - 30.0), (a + 30.0, b - 30.0))
    courts = [
        (_rect(x0, y0, x1, y1), {"landuse": "grass"}, True)
        for x0, x1 in spans
        for y0, y1 in spans
        if (x0, y0) != (-40.0, -40.0)
    ]
    rail = _ring(b + 13.5, b + 13.5, 44.0, ())
    return Plan(
        character="city",
        streets=(
            (_ring(b, b, 30.0, stops), ring),
            (((-a, -b), (-a, -a), (-a, a), (-a, b)), street),
            (((a, -b), (a, -a), (a, a), (a, b)), street),
            (((-b, -a), (-a, -a), (a, -a), (b, -a)), avenue),
            (((-b, a), (-a, a), (a, a), (b, a)), street),
        ),
        signals=frozenset(crossings + stops),
        areas=(
            (_rect(-36.0, -30.0, 36.0, 36.0), {"leisure": "park"}, True),
            (((-36.0, 3.0), (36.0, 3.0)), {"highway": "footway", "width": "3"}, False),
            (((0.0, -30.0), (0.0, 36.0)), {"highway": "footway", "width": "3"}, False),
            (_rect(108.0, -42.0, 168.0, -24.5), {"amenity": "parking"}, True),
            (_rect(-168.0, 100.0, -108.0, 117.5), {"amenity": "parking"}, True),
            (_rect(-189.0, -189.0, 189.0, 189.0), {"landuse": "commercial"}, True),
            (rail, {"barrier": "guard_rail"}, False),
            *courts,
        ),
    )


def _xml(nodes: Sequence[tuple[Point, Mapping[str, str]]], ways: Sequence[tuple[list[int], Mapping[str, str]]]) -> str:
    """OSM XML; node k has id k + 1."""
    north, east = metres_per_degree(_ORIGIN[0])
    half = (_HALF_M / north, _HALF_M / east)
    out = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6" generator="hazardsim make_towns">']
    low, high = (_ORIGIN[0] - half[0], _ORIGIN[1] - half[1]), (_ORIGIN[0] + half[0], _ORIGIN[1] + half[1])
    out.append(f'  <bounds minlat="{low[0]:.7f}" minlon="{low[1]:.7f}" maxlat="{high[0]:.7f}" maxlon="{high[1]:.7f}"/>')
    for number, ((x, y), tags) in enumerate(nodes, 1):
        place = f'<node id="{number}" version="1" lat="{_ORIGIN[0] + y / north:.8f}" lon="{_ORIGIN[1] + x / east:.8f}"'
        out.append(f"  {place}/>" if not tags else f"  {place}>{_tags(tags)}</node>")
    for number, (refs, tags) in enumerate(ways, 1):
        body = "".join(f'<nd ref="{r}"/>' for r in refs)
        out.append(f'  <way id="{number}" version="1">{body}{_tags(tags)}</way>')
    return "\n".join([*out, "</osm>", ""])


def _tags(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


class _Writer:
    """Numbers nodes; equal points of streets are one node."""

    def __init__(self, signals: frozenset[Point]) -> None:
        self.nodes: list[tuple[Point, Mapping[str, str]]] = []
        self.ways: list[tuple[list[int], Mapping[str, str]]] = []
        self._known: dict[Point, int] = {}
        self._signals = signals

    def street(self, points: Sequence[Point], tags: Mapping[str, str]) -> None:
        refs = []
        for p in points:
            if p not in self._known:
                self.nodes.append((p, {"highway": "traffic_signals"} if p in self._signals else {}))
                self._known[p] = len(self.nodes)
            refs.append(self._known[p])
        self.ways.append((refs, tags))

    def feature(self, points: NDArray[np.float64], tags: Mapping[str, str], closed: bool) -> None:
        start = len(self.nodes) + 1
        single = len(points) == 1
        self.nodes += [((float(x), float(y)), tags if single else {}) for x, y in points]
        if not single:
            refs = list(range(start, start + len(points)))
            self.ways.append((refs + refs[:1] if closed else refs, tags))


def write_town(name: str, plan: Plan, folder: Path) -> None:
    """Write one town."""
    writer = _Writer(plan.signals)
    for points, tags in plan.streets:
        writer.street(points, tags)
    for points, tags, closed in plan.areas:
        writer.feature(np.array(points), tags, closed)
    bare = _xml(writer.nodes, writer.ways)
    extract = read_osm(bare, name)
    network = read_network(bare, "osm", name, extract.origin)
    seed = zlib.crc32(name.encode())
    ground = lay_out(network, extract.features, np.random.default_rng([seed, 1]))
    inventor = Inventor(network, ground, arms_of(network), seed, plan.character)
    extra: list[Feature] = invented(inventor, [f for f in extract.features if len(f.points) > 1])
    for feature in extra:
        writer.feature(feature.points, feature.tags, feature.closed)
    (folder / f"{name}.osm").write_text(_xml(writer.nodes, writer.ways), encoding="utf-8")


def main() -> None:
    """Write all towns."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for name, plan in (("Town01", town01()), ("Town05", town05())):
        write_town(name, plan, folder)


if __name__ == "__main__":
    main()

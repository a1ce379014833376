"""Writes the shipped towns: street plans by hand, the rest made up from the seed, all as OpenStreetMap XML.

Usage: `python scenarios/towns/make_towns.py [FOLDER]`; the .osm files beside this script are its output.
"""

from __future__ import annotations

import math
import sys
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from plans import PLANS, Plan, Point

from hazardsim.server.town.ground.areas import lay_out_ground
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import junction_legs
from hazardsim.server.town.maps.network import read_network
from hazardsim.server.town.maps.osm import read_osm
from hazardsim.server.town.maps.projection import Projection
from hazardsim.server.town.procedural.missing import missing_features
from hazardsim.server.town.procedural.site import Site

_PROJECTION = Projection(49.0, 8.0)
_HALF_M = 320.0


def _street_degrees(point: Point) -> tuple[float, float]:
    """Latitude and longitude of a street's point, by the radii of curvature of WGS84 at the origin.

    Up to 2 cm from the projection at the corners of a town. Kept because every published frame shows these streets.
    """
    squared, lat = 0.00669437999014, math.radians(_PROJECTION.latitude_deg)
    w = math.sqrt(1.0 - squared * math.sin(lat) ** 2)
    north = math.radians(6378137.0 * (1.0 - squared) / w**3)
    east = math.radians(6378137.0 / w * math.cos(lat))
    x, y = point
    return round(_PROJECTION.latitude_deg + y / north, 8), round(_PROJECTION.longitude_deg + x / east, 8)


def _xml(nodes: Sequence[tuple[Point, Mapping[str, str]]], ways: Sequence[tuple[list[int], Mapping[str, str]]]) -> str:
    """OSM XML of nodes (latitude and longitude, tags) and ways (node ids, tags); node k has id k + 1."""
    out = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6" generator="hazardsim make_towns">']
    places = _PROJECTION.degrees(np.array([(0.0, -_HALF_M), (0.0, _HALF_M), (-_HALF_M, 0.0), (_HALF_M, 0.0)]))
    low, high = (places[0, 0], places[2, 1]), (places[1, 0], places[3, 1])
    out.append(f'  <bounds minlat="{low[0]:.7f}" minlon="{low[1]:.7f}" maxlat="{high[0]:.7f}" maxlon="{high[1]:.7f}"/>')
    for number, ((lat, lon), tags) in enumerate(nodes, 1):
        place = f'<node id="{number}" version="1" lat="{lat:.9f}" lon="{lon:.9f}"'
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
                tags_here = {"highway": "traffic_signals"} if p in self._signals else {}
                self.nodes.append((_street_degrees(p), tags_here))
                self._known[p] = len(self.nodes)
            refs.append(self._known[p])
        self.ways.append((refs, tags))

    def feature(self, points: NDArray[np.float64], tags: Mapping[str, str], closed: bool) -> None:
        start = len(self.nodes) + 1
        single = len(points) == 1
        self.nodes += [((float(a), float(b)), tags if single else {}) for a, b in _PROJECTION.degrees(points)]
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
    network = read_network(bare, name, extract.projection)
    seed = zlib.crc32(name.encode())
    ground = lay_out_ground(network, extract.features, np.random.default_rng([seed, 1]))
    site = Site(network, ground, junction_legs(network), seed, plan.character)
    extra: list[Feature] = missing_features(site, [f for f in extract.features if len(f.points) > 1])
    for feature in extra:
        writer.feature(feature.points, feature.tags, feature.closed)
    (folder / f"{name}.osm").write_text(_xml(writer.nodes, writer.ways), encoding="utf-8")


def main() -> None:
    """Write all towns."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for name, plan in PLANS.items():
        write_town(name, plan(), folder)


if __name__ == "__main__":
    main()

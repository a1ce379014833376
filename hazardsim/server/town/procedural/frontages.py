"""Houses in gardens and closed fronts along the roads, with what stands before them."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import shapely

from hazardsim.mesh.solid import Floats
from hazardsim.server.town.ground.kerbside import kerb_lines
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.procedural.site import Site

_FRONT_M: Final = {"village": 5.2, "town": 5.6, "city": 6.2}
_CLEAR_M, _FAST_CLEAR_M = 0.5, 7.0


def add_buildings(site: Site) -> None:
    """Houses in gardens (village), closed fronts (city), or now one, now the other (town) along every road."""
    rng = site.rng(2)
    for line in kerb_lines(site.ground.road, _FRONT_M[site.character], is_sharp=True):
        for a, b in pairwise(line):
            long = float(np.linalg.norm(b - a))
            if long > 9.0 and not _fronts_fast_road(site, (a + b) / 2):
                closed = rng.random() < 0.5 if site.character == "town" else site.character == "city"
                (_city_front if closed else _village_front)(site, a, (b - a) / long, long, rng)


def _fronts_fast_road(site: Site, place: Floats) -> bool:
    return site.ground.by_fast_road(float(place[0]), float(place[1]), _FRONT_M[site.character] + 1.5)


def _lot(corner: Floats, along: Floats, wide: float, deep: float) -> shapely.Polygon:
    out = np.array([along[1], -along[0]])
    ring = np.array([corner, corner + along * wide, corner + along * wide + out * deep, corner + out * deep])
    return shapely.Polygon(ring)


def _fits(site: Site, lot: shapely.Polygon) -> bool:
    clear = site.occupancy.is_free(lot.buffer(-0.1)) and site.ground.built.distance(lot) > _CLEAR_M
    return clear and bool(site.ground.fast.is_empty or site.ground.fast.distance(lot) > _FAST_CLEAR_M)


def _city_front(site: Site, start: Floats, along: Floats, long: float, rng: np.random.Generator) -> None:
    s = 0.0
    while s < long - 8.0:
        wide = min(float(rng.uniform(11.0, 21.0)), long - s)
        deep = float(rng.uniform(11.0, 14.0))
        out = np.array([along[1], -along[0]])
        setback = 2.4 if rng.random() < 0.35 else 0.0
        lot = _lot(start + along * s + out * setback, along, wide, deep)
        if not _fits(site, lot):
            s += 2.5
            continue
        site.occupancy.take(lot)
        if setback:
            _forecourt(site, start + along * s, along, wide, rng)
        shop = rng.random() < 0.45
        tags = {
            "building": "retail" if shop else ("apartments", "office", "apartments")[int(rng.integers(0, 3))],
            "building:levels": str(int(rng.choice([3, 4, 4, 5, 5, 6, 7]))),
            "roof:shape": "flat",
        }
        site.made.append(Feature(tags, np.array(lot.exterior.coords)[:4], closed=True))
        s += wide
        if rng.random() < 0.28:
            gap = float(rng.uniform(3.5, 7.0))
            if s + gap < long - 8.0:
                kind = {"barrier": "wall", "height": "2.2"} if rng.random() < 0.5 else {"barrier": "fence"}
                ends = np.array([start + along * (s + 0.1), start + along * (s + gap - 0.1)])
                site.made.append(Feature(kind, ends))
                site.occupancy.take(shapely.LineString(ends).buffer(0.3))
            s += gap


def _forecourt(site: Site, corner: Floats, along: Floats, wide: float, rng: np.random.Generator) -> None:
    """A low wall or railing with a gate and shrubs before a building that stands back."""
    tags = {"barrier": "wall", "height": "0.9"} if rng.random() < 0.5 else {"barrier": "fence", "height": "1.2"}
    out = np.array([along[1], -along[0]])
    gate = wide / 2
    for s0, s1 in ((0.2, gate - 1.2), (gate + 1.2, wide - 0.2)):
        ends = np.array([corner + along * s0, corner + along * s1]) + out * 0.2
        site.made.append(Feature(tags, ends))
        site.occupancy.take(shapely.LineString(ends).buffer(0.35))
        for t in np.arange(s0 + 1.0, s1 - 0.6, 1.7):
            x, y = corner + along * t + out * 1.25
            if rng.random() < 0.7 and site.occupancy.claim(shapely.Point(x, y).buffer(0.5)):
                site.add_node(float(x), float(y), {"natural": "shrub"})


def _village_front(site: Site, start: Floats, along: Floats, long: float, rng: np.random.Generator) -> None:
    s = 0.5
    out = np.array([along[1], -along[0]])
    while s < long - 11.0:
        wide, deep = float(rng.uniform(8.5, 13.0)), float(rng.uniform(7.5, 9.5))
        side, setback = float(rng.uniform(1.5, 3.5)), float(rng.uniform(2.5, 5.0))
        lot_wide = min(wide + 2 * side, long - s)
        corner = start + along * s
        house = _lot(corner + along * side + out * setback, along, max(lot_wide - 2 * side, 7.0), deep)
        if not _fits(site, house) or not _fits(site, _lot(corner, along, lot_wide, setback)):
            s += 3.0
            continue
        site.occupancy.take(house)
        if rng.random() < 0.12:
            tags = {"building": "retail", "building:levels": "2", "roof:shape": "flat"}
        else:
            shape = "hipped" if rng.random() < 0.35 else "gabled"
            tags = {
                "building": "house",
                "building:levels": str(int(rng.choice([1, 2, 2, 2, 3]))),
                "roof:shape": shape,
            }
        site.made.append(Feature(tags, np.array(house.exterior.coords)[:4], closed=True))
        _garden(site, corner, along, lot_wide, setback, rng)
        s += lot_wide + (0.0 if rng.random() < 0.8 else float(rng.uniform(3.0, 8.0)))


def _garden(site: Site, corner: Floats, along: Floats, wide: float, setback: float, rng: np.random.Generator) -> None:
    out = np.array([along[1], -along[0]])
    kind = ("hedge", "fence", "wall", "fence", "hedge", "")[int(rng.integers(0, 6))]
    gate = float(rng.uniform(0.35, 0.6)) * wide
    if kind:
        tags = {"barrier": kind} | ({"height": f"{rng.uniform(0.9, 1.4):.1f}"} if kind != "fence" else {})
        for s0, s1 in ((0.15, gate - 0.7), (gate + 0.7, wide - 0.15)):
            if s1 - s0 > 1.0:
                ends = np.array([corner + along * s0, corner + along * s1])
                site.made.append(Feature(tags, ends))
                site.occupancy.take(shapely.LineString(ends).buffer(0.45))
    path = np.array([corner + along * gate - out * 2.4, corner + along * gate + out * (setback - 0.05)])
    site.made.append(Feature({"highway": "footway", "width": "1.3"}, path))
    site.occupancy.take(shapely.LineString(path).buffer(0.6))
    for _ in range(int(rng.integers(1, 5))):
        x, y = corner + along * rng.uniform(0.8, wide - 0.8) + out * rng.uniform(0.9, max(setback - 0.7, 1.0))
        if site.occupancy.claim(shapely.Point(x, y).buffer(0.55)):
            site.add_node(float(x), float(y), {"natural": "shrub"})

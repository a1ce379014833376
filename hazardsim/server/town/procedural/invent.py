"""What a map does not tell is invented along the roads, seeded: buildings, gardens, trees, lamps, signs, furniture.

The result is features with OSM tags, so that it can be built at once or written to an OSM file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.outline import polygons
from hazardsim.mesh.solid import Floats
from hazardsim.server.town.ground.areas import Ground
from hazardsim.server.town.ground.occupancy import Occupancy, Spot, kerb_lines, spots
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import JunctionLeg
from hazardsim.server.town.maps.network import Network
from hazardsim.server.town.models.plants import TREES

Character = Literal["village", "town", "city"]
"""Houses in gardens, a mixture of both, or closed fronts."""

_FRONT_M: Final = {"village": 5.2, "town": 5.6, "city": 6.2}
_MAX_WOOD: Final = 300
_CLEAR_M, _FAST_CLEAR_M = 0.5, 7.0
_FURNITURE: Final = (
    ({"amenity": "waste_basket"}, 0.85, 0.35),
    ({"amenity": "bench"}, 2.1, 0.75),
    ({"emergency": "fire_hydrant"}, 0.75, 0.3),
    ({"amenity": "post_box"}, 2.2, 0.4),
    ({"man_made": "street_cabinet"}, 2.35, 0.7),
    ({"amenity": "waste_disposal"}, 2.3, 0.4),
    ({"man_made": "planter"}, 2.0, 0.65),
)


@dataclass(slots=True, eq=False)
class ProceduralFeatures:
    """Invents features of one town; every kind draws from its own generator."""

    network: Network
    ground: Ground
    legs: Sequence[JunctionLeg]
    seed: int
    character: Character
    occupancy: Occupancy = field(default_factory=Occupancy)
    made: list[Feature] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Keep the carriageway and the mouths of crossings free."""
        for piece in self.ground.pieces:
            for part in shapely.get_parts(piece.area):
                for triangle in _tiles(part):
                    self.occupancy.take(triangle)
        for part in polygons(self.ground.water):
            self.occupancy.take(part)
        for leg in self.legs:
            half = 3.6 * max(len(leg.incoming), len(leg.outgoing), 1)
            self.occupancy.take(shapely.Point(leg.middle[:2]).buffer(half + 1.2))

    def _rng(self, kind: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, kind])

    def _node(self, x: float, y: float, tags: dict[str, str]) -> None:
        self.made.append(Feature(tags, np.array([[x, y]])))

    def reserve(self, features: Sequence[Feature]) -> None:
        """Take the places of what the map already has."""
        for feature in features:
            tags = feature.tags
            if "building" in tags and feature.closed:
                self.occupancy.take(feature.area())
            elif tags.get("leisure") in ("park", "garden") or tags.get("amenity") == "parking":
                if feature.closed:
                    self.occupancy.take(feature.area())
            elif "barrier" in tags and len(feature.points) > 1:
                self.occupancy.take(shapely.LineString(feature.points).buffer(0.4))
            elif len(feature.points) == 1 and ({"natural", "amenity", "traffic_sign"} & set(tags)):
                self.occupancy.take(shapely.Point(feature.points[0]).buffer(0.6))

    def signs(self) -> None:
        """Stop, give-way and priority signs at junctions, crossings, and speed limits."""
        rng = self._rng(1)
        for leg in self.legs:
            for strip in leg.incoming:
                if any(abs(s.lane) > abs(strip.lane) and s.road == strip.road for s in leg.incoming):
                    continue
                kinds = []
                if not leg.is_lit:
                    kinds.append(("stop" if rng.random() < 0.3 else "give_way") if leg.is_minor else "priority")
                if leg.has_zebra and not leg.is_lit:
                    kinds.append("crossing")
                for k, kind in enumerate(kinds):
                    self._sign(strip.edge(-1.0), strip.length_m - 6.2 - 6.0 * k, kind)
        for strip in self.network.driving():
            if strip.junction < 0 and strip.length_m > 50.0 and rng.random() < 0.8:
                limit = min((30, 50, 60, 70, 90), key=lambda v: abs(v - strip.speed * 3.6))
                kind = "warning" if rng.random() < 0.25 else f"maxspeed:{limit}"
                self._sign(strip.edge(-1.0), 20.0, kind)

    def _sign(self, edge: Floats, s: float, kind: str) -> None:
        line = shapely.LineString(edge[:, :2])
        if not 3.0 < s < line.length - 1.0:
            return
        for back in (0.0, 3.0, -3.0, 6.0):
            a, b = (np.array(line.interpolate(v).coords)[0] for v in (s - back - 0.5, s - back + 0.5))
            ahead = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
            for out in (0.75, 2.95):
                x, y = (a + b) / 2 + np.array([ahead[1], -ahead[0]]) * out
                spot = shapely.Point(x, y).buffer(0.4)
                outside = not spot.intersects(self.ground.road)
                if outside and self.occupancy.is_free(shapely.Point(x, y).buffer(0.05)):
                    self.occupancy.take(spot)
                    self._node(float(x), float(y), {"traffic_sign": kind})
                    return

    def lamps(self) -> None:
        """A lamp every 26 m at the kerb."""
        for line in kerb_lines(self.ground.road, 0.75):
            for spot in spots(line, 9.0, 26.0):
                if self.occupancy.claim(shapely.Point(spot.x, spot.y).buffer(0.4)):
                    self._node(spot.x, spot.y, {"highway": "street_lamp"})

    def buildings(self) -> None:
        """Houses in gardens (village), closed fronts (city), or now one, now the other (town) along every road."""
        rng = self._rng(2)
        for line in kerb_lines(self.ground.road, _FRONT_M[self.character], is_sharp=True):
            for a, b in pairwise(line):
                long = float(np.linalg.norm(b - a))
                if long > 9.0 and not self._fronts_fast_road((a + b) / 2):
                    closed = rng.random() < 0.5 if self.character == "town" else self.character == "city"
                    (self._city_front if closed else self._village_front)(a, (b - a) / long, long, rng)

    def _fronts_fast_road(self, place: Floats) -> bool:
        return self.ground.by_fast_road(float(place[0]), float(place[1]), _FRONT_M[self.character] + 1.5)

    def _lot(self, corner: Floats, along: Floats, wide: float, deep: float) -> shapely.Polygon:
        out = np.array([along[1], -along[0]])
        ring = np.array([corner, corner + along * wide, corner + along * wide + out * deep, corner + out * deep])
        return shapely.Polygon(ring)

    def _fits(self, lot: shapely.Polygon) -> bool:
        clear = self.occupancy.is_free(lot.buffer(-0.1)) and self.ground.built.distance(lot) > _CLEAR_M
        return clear and bool(self.ground.fast.is_empty or self.ground.fast.distance(lot) > _FAST_CLEAR_M)

    def _city_front(self, start: Floats, along: Floats, long: float, rng: np.random.Generator) -> None:
        s = 0.0
        while s < long - 8.0:
            wide = min(float(rng.uniform(11.0, 21.0)), long - s)
            deep = float(rng.uniform(11.0, 14.0))
            out = np.array([along[1], -along[0]])
            setback = 2.4 if rng.random() < 0.35 else 0.0
            lot = self._lot(start + along * s + out * setback, along, wide, deep)
            if not self._fits(lot):
                s += 2.5
                continue
            self.occupancy.take(lot)
            if setback:
                self._forecourt(start + along * s, along, wide, rng)
            shop = rng.random() < 0.45
            tags = {
                "building": "retail" if shop else ("apartments", "office", "apartments")[int(rng.integers(0, 3))],
                "building:levels": str(int(rng.choice([3, 4, 4, 5, 5, 6, 7]))),
                "roof:shape": "flat",
            }
            self.made.append(Feature(tags, np.array(lot.exterior.coords)[:4], closed=True))
            s += wide
            if rng.random() < 0.28:
                gap = float(rng.uniform(3.5, 7.0))
                if s + gap < long - 8.0:
                    kind = {"barrier": "wall", "height": "2.2"} if rng.random() < 0.5 else {"barrier": "fence"}
                    ends = np.array([start + along * (s + 0.1), start + along * (s + gap - 0.1)])
                    self.made.append(Feature(kind, ends))
                    self.occupancy.take(shapely.LineString(ends).buffer(0.3))
                s += gap

    def _forecourt(self, corner: Floats, along: Floats, wide: float, rng: np.random.Generator) -> None:
        """A low wall or railing with a gate and shrubs before a building that stands back."""
        tags = {"barrier": "wall", "height": "0.9"} if rng.random() < 0.5 else {"barrier": "fence", "height": "1.2"}
        out = np.array([along[1], -along[0]])
        gate = wide / 2
        for s0, s1 in ((0.2, gate - 1.2), (gate + 1.2, wide - 0.2)):
            ends = np.array([corner + along * s0, corner + along * s1]) + out * 0.2
            self.made.append(Feature(tags, ends))
            self.occupancy.take(shapely.LineString(ends).buffer(0.35))
            for t in np.arange(s0 + 1.0, s1 - 0.6, 1.7):
                x, y = corner + along * t + out * 1.25
                if rng.random() < 0.7 and self.occupancy.claim(shapely.Point(x, y).buffer(0.5)):
                    self._node(float(x), float(y), {"natural": "shrub"})

    def _village_front(self, start: Floats, along: Floats, long: float, rng: np.random.Generator) -> None:
        s = 0.5
        out = np.array([along[1], -along[0]])
        while s < long - 11.0:
            wide, deep = float(rng.uniform(8.5, 13.0)), float(rng.uniform(7.5, 9.5))
            side, setback = float(rng.uniform(1.5, 3.5)), float(rng.uniform(2.5, 5.0))
            lot_wide = min(wide + 2 * side, long - s)
            corner = start + along * s
            house = self._lot(corner + along * side + out * setback, along, max(lot_wide - 2 * side, 7.0), deep)
            if not self._fits(house) or not self._fits(self._lot(corner, along, lot_wide, setback)):
                s += 3.0
                continue
            self.occupancy.take(house)
            if rng.random() < 0.12:
                tags = {"building": "retail", "building:levels": "2", "roof:shape": "flat"}
            else:
                shape = "hipped" if rng.random() < 0.35 else "gabled"
                tags = {
                    "building": "house",
                    "building:levels": str(int(rng.choice([1, 2, 2, 2, 3]))),
                    "roof:shape": shape,
                }
            self.made.append(Feature(tags, np.array(house.exterior.coords)[:4], closed=True))
            self._garden(corner, along, lot_wide, setback, rng)
            s += lot_wide + (0.0 if rng.random() < 0.8 else float(rng.uniform(3.0, 8.0)))

    def _garden(self, corner: Floats, along: Floats, wide: float, setback: float, rng: np.random.Generator) -> None:
        out = np.array([along[1], -along[0]])
        kind = ("hedge", "fence", "wall", "fence", "hedge", "")[int(rng.integers(0, 6))]
        gate = float(rng.uniform(0.35, 0.6)) * wide
        if kind:
            tags = {"barrier": kind} | ({"height": f"{rng.uniform(0.9, 1.4):.1f}"} if kind != "fence" else {})
            for s0, s1 in ((0.15, gate - 0.7), (gate + 0.7, wide - 0.15)):
                if s1 - s0 > 1.0:
                    ends = np.array([corner + along * s0, corner + along * s1])
                    self.made.append(Feature(tags, ends))
                    self.occupancy.take(shapely.LineString(ends).buffer(0.45))
        path = np.array([corner + along * gate - out * 2.4, corner + along * gate + out * (setback - 0.05)])
        self.made.append(Feature({"highway": "footway", "width": "1.3"}, path))
        self.occupancy.take(shapely.LineString(path).buffer(0.6))
        for _ in range(int(rng.integers(1, 5))):
            x, y = corner + along * rng.uniform(0.8, wide - 0.8) + out * rng.uniform(0.9, max(setback - 0.7, 1.0))
            if self.occupancy.claim(shapely.Point(x, y).buffer(0.55)):
                self._node(float(x), float(y), {"natural": "shrub"})

    def trees(self) -> None:
        """Street trees, garden trees behind the houses, and woods around the town."""
        rng = self._rng(3)
        slim = ("linden", "maple", "birch", "cherry")
        for index, line in enumerate(kerb_lines(self.ground.road, 3.75)):
            kind = slim[(index + self.seed) % 4]
            for spot in spots(line, 6.0, 12.5 if self.character == "city" else 11.0):
                chosen = kind if rng.random() < 0.8 else slim[int(rng.integers(0, 4))]
                if rng.random() < 0.72 and self._fits_tree(spot.x, spot.y, TREES[chosen].crown_m * 0.78):
                    self._node(spot.x, spot.y, {"natural": "tree", "species": chosen})
        low, high = self.ground.samples[:, :2].min(axis=0) - 85.0, self.ground.samples[:, :2].max(axis=0) + 85.0
        count = int(min(np.prod(high - low) / 110.0, 4000))
        kinds, made = tuple(TREES), 0
        for x, y in rng.uniform(low, high, size=(count, 2)):
            chosen = kinds[int(rng.integers(0, len(kinds)))]
            far = self.ground.built.distance(shapely.Point(x, y)) > TREES[chosen].crown_m + 0.6
            if made < _MAX_WOOD and far and self._fits_tree(float(x), float(y), TREES[chosen].crown_m * 0.9):
                made += 1
                self._node(float(x), float(y), {"natural": "tree", "species": chosen})

    def _fits_tree(self, x: float, y: float, crown_m: float) -> bool:
        point = shapely.Point(x, y)
        wet = self.ground.water.intersects(point.buffer(1.0))
        if (
            wet
            or not self.occupancy.is_free(point.buffer(crown_m))
            or self.ground.lanes.distance(point) < crown_m * 1.35
        ):
            return False
        self.occupancy.take(point.buffer(0.9))
        return True

    def furniture(self) -> None:
        """Bins, benches, hydrants and so on along the sidewalks, bus shelters, and bollards at corners."""
        rng = self._rng(4)
        for line in kerb_lines(self.ground.road, 2.05):
            for spot in spots(line, 30.0, 190.0):
                shelter = _oriented(spot, 0.9, 2.9)
                if not self.ground.by_fast_road(spot.x, spot.y, 4.0) and self.occupancy.claim(shelter):
                    self._node(spot.x, spot.y, {"highway": "bus_stop", "shelter": "yes"})
        for tags, offset, radius in _FURNITURE:
            for line in kerb_lines(self.ground.road, offset):
                for spot in spots(line, float(rng.uniform(5.0, 60.0)), 47.0):
                    chosen = rng.random() < 0.62 and not self.ground.by_fast_road(spot.x, spot.y, 4.0)
                    if chosen and self.occupancy.claim(shapely.Point(spot.x, spot.y).buffer(radius)):
                        self._node(spot.x, spot.y, dict(tags))
        for leg in self.legs:
            if leg.is_lit and rng.random() < 0.5:
                self._railings(leg)
            elif rng.random() < 0.5:
                self._bollards(leg)

    def _railings(self, leg: JunctionLeg) -> None:
        """Pedestrian railings along the kerb behind a crossing."""
        ahead = np.array([np.cos(leg.away_rad), np.sin(leg.away_rad)])
        left = np.array([-ahead[1], ahead[0]])
        half = 1.75 * (len(leg.incoming) + len(leg.outgoing)) + 0.5
        for side in (-1.0, 1.0):
            ends = np.array([leg.middle[:2] + left * side * half + ahead * s for s in (8.0, 15.0)])
            place = shapely.LineString(ends).buffer(0.3)
            if not place.intersects(self.ground.road) and self.occupancy.claim(place):
                self.made.append(Feature({"barrier": "railing", "height": "1.05"}, ends))

    def _bollards(self, leg: JunctionLeg) -> None:
        for side in (-1.0, 1.0):
            turn = leg.away_rad
            half = 1.75 * (len(leg.incoming) + len(leg.outgoing)) + 0.55
            for step in (6.0, 7.5, 9.0, 10.5):
                x = leg.middle[0] + np.cos(turn) * step - np.sin(turn) * half * side
                y = leg.middle[1] + np.sin(turn) * step + np.cos(turn) * half * side
                spot = shapely.Point(x, y)
                if not spot.buffer(0.2).intersects(self.ground.road) and self.occupancy.claim(spot.buffer(0.25)):
                    self._node(float(x), float(y), {"barrier": "bollard"})


def _tiles(area: BaseGeometry) -> list[BaseGeometry]:
    """The area cut into pieces of 32 m, quick to test."""
    x0, y0, x1, y1 = area.bounds
    tiles = []
    for x in np.arange(x0, x1, 32.0):
        for y in np.arange(y0, y1, 32.0):
            part = shapely.clip_by_rect(area, x, y, x + 32.0, y + 32.0)
            tiles += [p for p in shapely.get_parts(part) if not p.is_empty]
    return tiles


def _oriented(spot: Spot, half_depth: float, half_length: float) -> shapely.Polygon:
    c, s = np.cos(spot.along_rad), np.sin(spot.along_rad)
    ring = [
        (half_length, half_depth),
        (-half_length, half_depth),
        (-half_length, -half_depth),
        (half_length, -half_depth),
    ]
    return shapely.Polygon([(spot.x + u * c - v * s, spot.y + u * s + v * c) for u, v in ring])


def _is_building(feature: Feature) -> bool:
    return "building" in feature.tags and feature.closed


_KINDS: Final[tuple[tuple[str, Callable[[Feature], bool], float], ...]] = (
    ("signs", lambda f: "traffic_sign" in f.tags, 2.0),
    ("lamps", lambda f: f.tags.get("highway") == "street_lamp", 6.0),
    ("buildings", _is_building, 6.0),
    ("trees", lambda f: f.tags.get("natural") == "tree", 6.0),
    ("furniture", lambda f: f.tags.get("amenity") in ("bench", "waste_basket", "post_box"), 3.0),
)
"""Method, what counts as told by the map, and how many of it a km of road has where it is told."""


def invented(inventor: ProceduralFeatures, features: Sequence[Feature]) -> list[Feature]:
    """The features that the map lacks."""
    inventor.reserve(features)
    road_km = sum(s.length_m for s in inventor.network.driving() if s.junction < 0) / 2000.0
    for name, counts, least in _KINDS:
        if sum(1 for f in features if counts(f)) < least * road_km:
            getattr(inventor, name)()
    return inventor.made

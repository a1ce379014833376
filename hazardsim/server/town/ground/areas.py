"""The ground of a town: carriageway, kerbs, sidewalks, lawns, car parks, water, and hills far away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.model import Material
from hazardsim.mesh.solid import Builder, Floats, Solid, cap, joined, planar_quads, polygons, skirt
from hazardsim.server.town import materials
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.network import FAST_MPS, Network, Strip
from hazardsim.server.town.maps.polyline import Polyline
from hazardsim.taxonomy import TAG

KERB_M: Final = 0.13
WATER_M: Final = -1.7
_SHOULDER_M: Final = 1.0
_KERB_WIDE_M, _WALK_WIDE_M = 0.15, 2.6
_PAVED: Final = frozenset(
    {"driving", "bidirectional", "entry", "exit", "onRamp", "offRamp", "shoulder", "stop"}
    | {"biking", "parking", "border", "restricted", "tram"}
)
_FAR_M = 1600.0
_DECK_M = 0.9
_LAWN_DROP_M = 0.35


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
        beside = KERB_M if shapely.intersects_xy(self.built, x, y) else -_LAWN_DROP_M
        return float(self.samples[int(gap.argmin()), 2]) + beside

    def by_fast_road(self, x: float, y: float, within_m: float) -> bool:
        """Whether a place is so near to a motorway or the like."""
        return bool(self.fast.distance(shapely.Point(x, y)) < within_m)


def lay_out(network: Network, features: Sequence[Feature], rng: np.random.Generator) -> Ground:
    """Work out the areas; parking bays are cut into the sidewalks where the map has no parking lanes."""
    paved = [s for s in network.strips if s.kind in _PAVED]
    lanes = shapely.union_all([s.polygon() for s in network.driving()])
    has_parking = any(s.kind == "parking" for s in network.strips)
    bays = () if has_parking or not network.is_flat else _bays(network, lanes, rng)
    flat = network.is_flat
    groups: dict[tuple[int, int], list[Strip]] = {}
    for strip in paved:
        key = (0, 0) if flat else (strip.junction, strip.road if strip.junction < 0 else -1)
        groups.setdefault(key, []).append(strip)
    pieces = tuple(_piece(g, bays if flat else ()) for g in groups.values())
    road = shapely.union_all([p.area for p in pieces])
    samples = np.concatenate([p.samples for p in pieces])
    sides = [s.polygon() for s in network.strips if s.kind == "sidewalk"]
    rim = road.buffer(_KERB_WIDE_M, quad_segs=4)
    slow, fast = road, shapely.union_all([s.polygon() for s in network.driving() if s.speed > FAST_MPS])
    if flat and not fast.is_empty:
        slow = road.difference(fast.buffer(_SHOULDER_M, join_style="mitre"))
    reach = shapely.union_all([rim, slow.buffer(_KERB_WIDE_M + _WALK_WIDE_M, quad_segs=6)])
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


def _piece(strips: Sequence[Strip], bays: Sequence[shapely.Polygon]) -> Piece:
    whole = [s.polygon() for s in strips]
    for junction in sorted({s.junction for s in strips if s.junction >= 0}):
        inner = shapely.union_all([s.polygon() for s in strips if s.junction == junction])
        whole.append(inner.buffer(4.0, join_style="mitre").buffer(-4.0, join_style="mitre", mitre_limit=2.0))
    area = shapely.union_all([*whole, *bays]).buffer(0.4, join_style="mitre").buffer(-0.4, join_style="mitre")
    return Piece(
        _without_crumbs(area, 25.0).simplify(0.01),
        np.concatenate([e for s in strips for e in (s.edge(1.0), s.edge(-1.0), s.centre)]),
    )


def _bays(network: Network, lanes: BaseGeometry, rng: np.random.Generator) -> tuple[shapely.Polygon, ...]:
    """Parallel parking pockets 2.2 m deep on the right of outermost lanes, in places."""
    out: list[shapely.Polygon] = []
    for strip in network.driving():
        if strip.junction >= 0 or strip.length_m < 42.0 or strip.speed > FAST_MPS or rng.random() < 0.35:
            continue
        edge = Polyline(strip.edge(-1.0))
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


def _point_tree(points: Floats) -> shapely.STRtree:
    """An index of points [N,3], seen from above."""
    return shapely.STRtree([shapely.Point(x, y) for x, y in points[:, :2]])


def _draped(solid: Solid, piece: Piece, lift: float) -> Solid:
    """The solid, with its heights taken from the nearest samples of the piece."""
    nearest = _point_tree(piece.samples).nearest(shapely.points(solid.vertices[:, :2]))
    vertices = solid.vertices.copy()
    vertices[:, 2] += piece.samples[nearest, 2] + lift
    return Solid(vertices, solid.faces, solid.uv)


def pave(builder: Builder, ground: Ground) -> None:
    """Add carriageway, kerbs and sidewalks."""
    for piece in ground.pieces:
        others = [] if ground.is_flat else [p.area for p in ground.pieces if p is not piece and _same_level(p, piece)]
        taken = shapely.union_all(others) if others else shapely.Polygon()
        rim = piece.area.buffer(_KERB_WIDE_M, quad_segs=4)
        outline = piece.area if ground.is_flat else piece.area.difference(shapely.Polygon())
        level = float(piece.samples[0, 2]) if ground.is_flat else 0.0

        def place(solid: Solid, material: Material, tag: int, p: Piece = piece, z: float = level) -> None:
            if not len(solid.faces):
                return
            lifted = Solid(solid.vertices + np.array([0.0, 0.0, z]), solid.faces, solid.uv)
            builder.add(lifted if ground.is_flat else _draped(solid, p, 0.0), material, tag)

        place(cap(outline, 0.0), materials.ASPHALT, TAG["Roads"])
        kerb = rim.difference(piece.area).difference(taken)
        place(cap(kerb, KERB_M), materials.KERB, TAG["Sidewalks"])
        if ground.is_flat:
            place(skirt(piece.area, 0.0, KERB_M, outward=False), materials.KERB, TAG["Sidewalks"])
            place(cap(ground.walk, KERB_M), materials.PAVING, TAG["Sidewalks"])
            continue
        place(skirt(kerb, -_DECK_M, KERB_M), materials.KERB, TAG["Sidewalks"])
        reach = piece.area.buffer(_KERB_WIDE_M + _WALK_WIDE_M, quad_segs=4)
        walk = reach.difference(rim).difference(taken.buffer(_KERB_WIDE_M))
        place(cap(walk, KERB_M), materials.PAVING, TAG["Sidewalks"])
        deck = shapely.union_all([walk, kerb, piece.area])
        place(skirt(deck, -_DECK_M, KERB_M), materials.CONCRETE, TAG["Sidewalks"])
        place(cap(deck, -_DECK_M, down=True), materials.CONCRETE, TAG["Sidewalks"])


def _same_level(a: Piece, b: Piece) -> bool:
    if a.area.distance(b.area) > 4.0:
        return False
    gap = _point_tree(a.samples).nearest(shapely.points(b.samples[:, :2]))
    apart = np.linalg.norm(a.samples[gap, :2] - b.samples[:, :2], axis=1)
    close = apart <= apart.min() + 2.0
    return bool(np.abs(a.samples[gap, 2] - b.samples[:, 2])[close].min() < 2.0)


_COVER: Final[tuple[tuple[str, frozenset[str], Material, str], ...]] = (
    ("amenity", frozenset({"parking"}), materials.LOT, "Roads"),
    ("leisure", frozenset({"park", "garden", "pitch", "playground"}), materials.GRASS, "Terrain"),
    ("landuse", frozenset({"grass", "village_green", "recreation_ground", "residential"}), materials.GRASS, "Terrain"),
    ("landuse", frozenset({"commercial", "retail", "industrial"}), materials.PLAZA, "Sidewalks"),
    ("landuse", frozenset({"farmland", "construction", "brownfield"}), materials.SOIL, "Terrain"),
    ("natural", frozenset({"grassland", "scrub", "wood", "heath"}), materials.GRASS, "Terrain"),
)
_PATHS: Final = frozenset({"footway", "path", "pedestrian", "cycleway", "steps", "track"})


def cover(builder: Builder, ground: Ground, features: Sequence[Feature]) -> None:
    """Add everything beyond the sidewalks: land use, paths, water and its banks, far land."""
    low, high = ground.samples[:, :2].min(axis=0) - 120.0, ground.samples[:, :2].max(axis=0) + 120.0
    if not ground.is_flat:
        _rolling(builder, ground, low, high)
    else:
        _level(builder, ground, features, shapely.box(*low, *high))
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    base = float(np.median(ground.samples[:, 2])) + KERB_M
    disc = shapely.Point(*middle).buffer(_FAR_M + reach, quad_segs=16).difference(shapely.box(*low, *high))
    builder.add(cap(disc, base if ground.is_flat else base - 0.5), materials.MEADOW, TAG["Terrain"])
    builder.add(
        _hills(middle, reach + 260.0, base - 2.0),
        materials.tint("woods", "foliage", (0.22, 0.30, 0.17)),
        TAG["Vegetation"],
    )


def _level(builder: Builder, ground: Ground, features: Sequence[Feature], frame: shapely.Polygon) -> None:
    z = float(ground.samples[0, 2]) + KERB_M
    rest = frame.difference(ground.built).difference(ground.water)
    trails = [
        shapely.LineString(f.points).buffer(f.number("width", 2.0) / 2, cap_style="flat")
        for f in features
        if f.tags.get("highway") in _PATHS and not f.closed
    ]
    if trails:
        builder.add(cap(rest.intersection(shapely.union_all(trails)), z), materials.GRAVEL, TAG["Sidewalks"])
        rest = rest.difference(shapely.union_all(trails))
    for key, values, material, tag in _COVER:
        areas = [f.area() for f in features if f.tags.get(key) in values and f.closed]
        if areas:
            whole = shapely.union_all(areas)
            builder.add(cap(rest.intersection(whole), z), material, TAG[tag])
            rest = rest.difference(whole)
    builder.add(cap(rest, z), materials.MEADOW, TAG["Terrain"])
    if not ground.water.is_empty:
        builder.add(cap(ground.water, WATER_M), materials.WATER, TAG["Water"])
        builder.add(skirt(ground.water, WATER_M - 0.3, z, outward=False), materials.STONE, TAG["Walls"])
        line = ground.water.boundary.intersection(ground.built.buffer(0.03))
        parapet = line.buffer(0.14, cap_style="square", join_style="mitre").difference(ground.road.buffer(0.6))
        solids = [skirt(parapet, z - 0.4, z + 0.95), cap(parapet, z + 0.95)]
        builder.add(joined(solids), materials.STONE, TAG["Walls"])
        coping = parapet.buffer(0.05, join_style="mitre")
        lid = [skirt(coping, z + 0.95, z + 1.05), cap(coping, z + 1.05), cap(coping, z + 0.95, down=True)]
        builder.add(joined(lid), materials.CONCRETE, TAG["Walls"])


def _rolling(builder: Builder, ground: Ground, low: Floats, high: Floats) -> None:
    """Ground that follows the lower roads, on a 12 m grid."""
    count = np.maximum(((high - low) / 12.0).astype(int), 2) + 1
    x, y = np.meshgrid(np.linspace(low[0], high[0], count[0]), np.linspace(low[1], high[1], count[1]), indexing="ij")
    spots = np.stack([x.ravel(), y.ravel()], axis=1)
    base = float(np.median(ground.samples[:, 2])) - 0.5
    step = ground.samples[::4]
    z = np.zeros(len(spots))
    for k in range(0, len(spots), 512):
        apart = ((spots[k : k + 512, None] - step[None, :, :2]) ** 2).sum(axis=2)
        near = np.where(apart < max(20.0**2, 1.0), step[None, :, 2], np.inf).min(axis=1)
        nearest = step[apart.argmin(axis=1), 2]
        fade = np.clip((np.sqrt(apart.min(axis=1)) - 20.0) / 90.0, 0.0, 1.0)
        z[k : k + 512] = np.where(np.isfinite(near), near, nearest) * (1 - fade) + base * fade
    grid = np.column_stack([spots, z - _LAWN_DROP_M]).reshape(count[0], count[1], 3)
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=2).reshape(-1, 4, 3)
    builder.add(planar_quads(corners), materials.MEADOW, TAG["Terrain"])


def _hills(middle: Floats, radius: float, base: float) -> Solid:
    """A ring of low wooded hills."""
    around, rows = 96, 6
    angle = np.linspace(0, 2 * np.pi, around + 1)
    crest = 42 + 20 * np.sin(3 * angle + 0.6) + 9 * np.sin(7 * angle + 2.1) + 4 * np.sin(17 * angle)
    share = np.linspace(0, 1, rows)
    out = radius + share[:, None] * 320.0 + 12 * np.sin(11 * angle)[None]
    z = base + crest[None] * np.sin(share * np.pi / 2)[:, None]
    grid = np.stack([middle[0] + out * np.cos(angle), middle[1] + out * np.sin(angle), z], axis=2)
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=2).reshape(-1, 4, 3)
    return planar_quads(corners)

"""Everything beyond the sidewalks: land use, paths, water and its banks, hills far away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material
from hazardsim.mesh.outline import cap, skirt
from hazardsim.mesh.solid import Floats, Solid, joined, planar_quads
from hazardsim.server.town import palette
from hazardsim.server.town.ground.areas import KERB_M, LAWN_DROP_M, Ground
from hazardsim.server.town.maps.features import Feature
from hazardsim.taxonomy import TAG

_WATER_M: Final = -1.7
_FAR_M = 1600.0

_COVER: Final[tuple[tuple[str, frozenset[str], Material, str], ...]] = (
    ("amenity", frozenset({"parking"}), palette.LOT, "Roads"),
    ("leisure", frozenset({"park", "garden", "pitch", "playground"}), palette.GRASS, "Terrain"),
    ("landuse", frozenset({"grass", "village_green", "recreation_ground", "residential"}), palette.GRASS, "Terrain"),
    ("landuse", frozenset({"commercial", "retail", "industrial"}), palette.PLAZA, "Sidewalks"),
    ("landuse", frozenset({"farmland", "construction", "brownfield"}), palette.SOIL, "Terrain"),
    ("natural", frozenset({"grassland", "scrub", "wood", "heath"}), palette.GRASS, "Terrain"),
)
_PATHS: Final = frozenset({"footway", "path", "pedestrian", "cycleway", "steps", "track"})


def add_land_cover(builder: Builder, ground: Ground, features: Sequence[Feature]) -> None:
    """Add everything beyond the sidewalks: land use, paths, water and its banks, far land."""
    low, high = ground.samples[:, :2].min(axis=0) - 120.0, ground.samples[:, :2].max(axis=0) + 120.0
    if not ground.is_flat:
        _rolling(builder, ground, low, high)
    else:
        _level(builder, ground, features, shapely.box(*low, *high))
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    base = float(np.median(ground.samples[:, 2])) + KERB_M
    disc = shapely.Point(*middle).buffer(_FAR_M + reach, quad_segs=16).difference(shapely.box(*low, *high))
    builder.add(cap(disc, base if ground.is_flat else base - 0.5), palette.MEADOW, TAG["Terrain"])
    builder.add(
        _hills(middle, reach + 260.0, base - 2.0),
        palette.tint("woods", "foliage", (0.22, 0.30, 0.17)),
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
        builder.add(cap(rest.intersection(shapely.union_all(trails)), z), palette.GRAVEL, TAG["Sidewalks"])
        rest = rest.difference(shapely.union_all(trails))
    for key, values, material, tag in _COVER:
        areas = [f.area() for f in features if f.tags.get(key) in values and f.closed]
        if areas:
            whole = shapely.union_all(areas)
            builder.add(cap(rest.intersection(whole), z), material, TAG[tag])
            rest = rest.difference(whole)
    builder.add(cap(rest, z), palette.MEADOW, TAG["Terrain"])
    if not ground.water.is_empty:
        builder.add(cap(ground.water, _WATER_M), palette.WATER, TAG["Water"])
        builder.add(skirt(ground.water, _WATER_M - 0.3, z, outward=False), palette.STONE, TAG["Walls"])
        line = ground.water.boundary.intersection(ground.built.buffer(0.03))
        parapet = line.buffer(0.14, cap_style="square", join_style="mitre").difference(ground.road.buffer(0.6))
        solids = [skirt(parapet, z - 0.4, z + 0.95), cap(parapet, z + 0.95)]
        builder.add(joined(solids), palette.STONE, TAG["Walls"])
        coping = parapet.buffer(0.05, join_style="mitre")
        lid = [skirt(coping, z + 0.95, z + 1.05), cap(coping, z + 1.05), cap(coping, z + 0.95, down=True)]
        builder.add(joined(lid), palette.CONCRETE, TAG["Walls"])


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
    grid = np.column_stack([spots, z - LAWN_DROP_M]).reshape(count[0], count[1], 3)
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=2).reshape(-1, 4, 3)
    builder.add(planar_quads(corners), palette.MEADOW, TAG["Terrain"])


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

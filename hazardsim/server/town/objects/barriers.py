"""Fences, walls, hedges and guard rails along lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.materials import Colour
from hazardsim.mesh.model import Material, Surface
from hazardsim.mesh.solid import Floats, Solid, joined, solid_box, solid_boxes
from hazardsim.server.town import palette
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.network import pose_at
from hazardsim.server.town.models.plants import hedge
from hazardsim.server.town.objects.contents import TownContents
from hazardsim.server.town.objects.placement import Placement
from hazardsim.taxonomy import TAG

_PIECE_M = 5.0
_HEIGHTS = {"fence": 1.25, "wall": 1.5, "hedge": 1.3, "guard_rail": 0.8}
_KINDS = {
    "fence": "fence",
    "railing": "fence",
    "handrail": "fence",
    "wall": "wall",
    "retaining_wall": "wall",
    "city_wall": "wall",
    "hedge": "hedge",
    "guard_rail": "guard_rail",
    "jersey_barrier": "wall",
}
_WALLS: Final[tuple[tuple[Surface, Colour], ...]] = (
    ("brick", (0.55, 0.33, 0.26)),
    ("plaster", (0.80, 0.76, 0.68)),
    ("stone", (0.60, 0.57, 0.51)),
)


def place_barriers(placement: Placement, features: Sequence[Feature]) -> None:
    """Fences, walls, hedges, guard rails."""
    for feature in features:
        if "barrier" in feature.tags and len(feature.points) > 1:
            z = placement.ground.height(*(float(v) for v in feature.points[0]))
            _raise_barrier(placement.contents, feature, z, placement.ground.road, placement.rng_at(feature.points[0]))


def _raise_barrier(
    contents: TownContents, feature: Feature, ground_m: float, road: BaseGeometry, rng: np.random.Generator
) -> None:
    """Add a barrier in pieces of at most 5 m; pieces that would stand on the carriageway are left out."""
    kind = _KINDS.get(feature.tags.get("barrier", ""))
    if kind is None or len(feature.points) < 2:
        return
    height = float(np.clip(feature.number("height", _HEIGHTS[kind]), 0.4, 4.0))
    line = np.concatenate([feature.points, feature.points[:1]]) if feature.closed else feature.points
    surface, colour = _WALLS[int(rng.integers(0, 3))]
    wall = palette.tint("garden_wall", surface, colour)
    is_wooden = rng.random() < 0.45
    for a, b in pairwise(line):
        long = float(np.linalg.norm(b - a))
        if long < 0.3:
            continue
        turn = float(np.arctan2(b[1] - a[1], b[0] - a[0]))
        count = max(1, int(np.ceil(long / _PIECE_M)))
        for k in range(count):
            start = a + (b - a) * (k / count)
            end = a + (b - a) * ((k + 1) / count)
            if shapely.LineString([start, end]).buffer(0.36, cap_style="flat").intersects(road):
                continue
            frame = pose_at(np.array([start[0], start[1], ground_m]), turn)
            _piece(contents, kind, long / count, height, frame, wall, is_wooden, rng)


def _piece(
    contents: TownContents,
    kind: str,
    long: float,
    height: float,
    frame: Floats,
    wall: Material,
    is_wooden: bool,
    rng: np.random.Generator,
) -> None:
    number, builder = contents.next_id, contents.builder
    if kind == "hedge":
        core, leaves = hedge(long, height, rng)
        builder.add(
            core.moved(frame), palette.tint("leaf", "foliage", (0.16, 0.25, 0.11), 0.8), TAG["Vegetation"], number
        )
        builder.add(
            leaves.moved(frame), palette.tint("leaf", "foliage", (0.25, 0.37, 0.15), 0.7), TAG["Vegetation"], number
        )
        contents.add_static_object("hedge", TAG["Vegetation"], frame)
    elif kind == "wall":
        builder.add(solid_box((0, -0.12, 0), (long, 0.12, height - 0.08)).moved(frame), wall, TAG["Walls"], number)
        top = solid_box((0, -0.17, height - 0.08), (long, 0.17, height))
        builder.add(top.moved(frame), palette.CONCRETE, TAG["Walls"], number)
        contents.add_static_object("wall", TAG["Walls"], frame)
    elif kind == "guard_rail":
        builder.add(_guard_rail(long, height).moved(frame), palette.STEEL, TAG["GuardRail"], number)
        contents.add_static_object("guard_rail", TAG["GuardRail"], frame)
    else:
        solid = _pickets(long, height) if is_wooden else _railing(long, height)
        material = (
            (palette.WHITE_TIMBER, palette.TIMBER, palette.GREY_TIMBER)[number % 3] if is_wooden else palette.DARK_STEEL
        )
        builder.add(solid.moved(frame), material, TAG["Fences"], number)
        contents.add_static_object("fence", TAG["Fences"], frame)


def _row(at: Floats, wide: float, y: tuple[float, float], z: tuple[float, float]) -> Solid:
    """Equal boxes that begin at every x of `at`."""
    low = np.column_stack([at, np.full_like(at, y[0]), np.full_like(at, z[0])])
    return solid_boxes(low, np.column_stack([at + wide, np.full_like(at, y[1]), np.full_like(at, z[1])]))


def _guard_rail(long: float, height: float) -> Solid:
    beams = [
        solid_box((0, side * 0.1 - 0.05, z), (long, side * 0.1 + 0.05, z + 0.13))
        for side in (-1, 1)
        for z in (height - 0.32, height - 0.14)
    ]
    return joined([_row(np.arange(0.2, long, 2.0), 0.1, (-0.05, 0.05), (0.0, height - 0.1)), *beams])


def _railing(long: float, height: float) -> Solid:
    rails = [solid_box((0, -0.02, z), (long, 0.02, z + 0.04)) for z in (0.12, height - 0.10)]
    posts = _row(np.linspace(0, long - 0.07, max(2, round(long / 2.4))), 0.07, (-0.035, 0.035), (0.0, height))
    bars = _row(np.arange(0.14, long - 0.06, 0.14), 0.018, (-0.009, 0.009), (0.16, height - 0.1))
    return joined([*rails, posts, bars])


def _pickets(long: float, height: float) -> Solid:
    rails = [solid_box((0, -0.05, z), (long, -0.015, z + 0.08)) for z in (0.25, height - 0.35)]
    posts = _row(np.linspace(0, long - 0.08, max(2, round(long / 2.2))), 0.08, (-0.09, -0.015), (0.0, height - 0.1))
    boards = _row(np.arange(0.01, max(long - 0.09, 0.05), 0.135), 0.095, (-0.015, 0.008), (0.06, height))
    return joined([*rails, posts, boards])

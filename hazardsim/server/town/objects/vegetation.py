"""Trees and shrubs where the map has them, and grass at the verges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from hazardsim.server.town import palette
from hazardsim.server.town.ground.areas import KERB_M
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.models.plants import TREES, tufts
from hazardsim.server.town.objects.placement import Placement
from hazardsim.taxonomy import TAG

_FAR_M: Final = 14.0


def place_plants(placement: Placement, features: Sequence[Feature]) -> None:
    """Trees and shrubs, and grass tufts at the verges."""
    for feature in features:
        kind = feature.tags.get("natural")
        if len(feature.points) != 1 or kind not in ("tree", "shrub"):
            continue
        x, y = (float(v) for v in feature.points[0])
        rng = placement.rng_at(feature.points[0])
        if kind == "shrub":
            key = f"bush_{int(rng.integers(0, 3))}"
            placement.add_model(key)
        else:
            kinds = ("spruce",) if feature.tags.get("leaf_type") == "needleleaved" else tuple(TREES)[:5]
            told = feature.tags.get("species", "")
            name = told if told in TREES else kinds[int(rng.integers(0, len(kinds)))]
            is_far = shapely.distance(placement.ground.road, shapely.Point(x, y)) > _FAR_M
            key = f"tree_{name}_{int(rng.integers(0, 2))}{'_far' if is_far else ''}"
            placement.add_model(key)
        turn, scale = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.85, 1.08))
        shape = placement.contents.footprint(key, x, y, turn, scale)
        if shape.intersects(placement.ground.lanes):
            continue
        place = np.array([x, y, placement.ground.height(x, y) - 0.01])
        placement.contents.place_model("tree" if kind == "tree" else "bush", TAG["Vegetation"], key, place, turn, scale)


def place_verges(placement: Placement) -> None:
    """Tufts of grass where the sidewalk meets the lawn."""
    if not placement.ground.is_flat:
        return
    rng = np.random.default_rng([placement.seed, 77])
    edge = placement.ground.built.boundary
    count = int(min(edge.length / 1.1, 2600))
    at = rng.uniform(0, edge.length, count)
    spots = shapely.get_coordinates(shapely.line_interpolate_point(shapely.line_merge(edge), at))
    spots = spots + rng.normal(size=spots.shape) * 0.10
    dry = ~shapely.intersects(placement.ground.water.buffer(0.5), shapely.points(spots))
    outside = ~shapely.intersects(placement.ground.road.buffer(0.5), shapely.points(spots))
    spots = spots[dry & outside]
    points = np.column_stack([spots, np.full(len(spots), float(placement.ground.samples[0, 2]) + KERB_M)])
    builder = placement.contents.builder
    builder.add(tufts(points, rng), palette.tint("tuft", "foliage", (0.34, 0.43, 0.18), 0.8), TAG["Vegetation"])

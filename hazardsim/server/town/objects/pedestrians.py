"""People on the sidewalks, alone and in twos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from hazardsim.server.town.ground.kerbside import KerbPoint, kerb_lines, kerb_points
from hazardsim.server.town.ground.occupancy import Occupancy
from hazardsim.server.town.objects.placement import Placement
from hazardsim.street.blueprints import WALKERS, WalkerSpec, walker_model
from hazardsim.taxonomy import TAG

_MOST: Final = 72


def place_pedestrians(placement: Placement) -> None:
    """People along the sidewalks, alone and in twos, most of them walking."""
    rng = np.random.default_rng([placement.seed, 12])
    figures = [WALKERS[int(k)] for k in rng.permutation(len(WALKERS))[:12]]
    occupancy, placed = Occupancy(), 0
    for obj in placement.contents.objects:
        x, y = (float(v) for v in (obj.pose @ np.array([*obj.centre_m, 1.0]))[:2])
        occupancy.take(shapely.Point(x, y).buffer(min(max(obj.extent_m[0], obj.extent_m[1]), 2.0) * 0.7 + 0.15))
    places = [
        spot
        for line in kerb_lines(placement.ground.road, 1.45)
        for spot in kerb_points(line, float(rng.uniform(3.0, 12.0)), 9.0)
        if not placement.ground.by_fast_road(spot.x, spot.y, 4.0)
    ]
    for k in rng.permutation(len(places)):
        for _ in range(2 if rng.random() < 0.3 else 1):
            if placed < _MOST and _pedestrian(placement, places[int(k)], figures, occupancy, rng):
                placed += 1


def _pedestrian(
    placement: Placement, spot: KerbPoint, figures: Sequence[WalkerSpec], occupancy: Occupancy, rng: np.random.Generator
) -> bool:
    x, y = np.array([spot.x, spot.y]) + rng.uniform(-0.65, 0.65, 2)
    spec = figures[int(rng.integers(0, len(figures)))]
    turn = spot.along_rad + (np.pi if rng.random() < 0.5 else 0.0) + float(rng.normal() * 0.25)
    here = shapely.Point(x, y).buffer(0.42)
    if here.intersects(placement.ground.road) or not occupancy.claim(here):
        return False
    model = walker_model(spec.blueprint)
    if model.key not in placement.contents.models:
        placement.contents.add_model(model.key, model.tagged(TAG["Pedestrians"]))
    if placement.contents.footprint(model.key, float(x), float(y), turn).intersects(placement.ground.lanes):
        return False
    place = np.array([x, y, placement.ground.height(float(x), float(y))])
    placement.contents.place_model("pedestrian", TAG["Pedestrians"], model.key, place, turn)
    return True

"""Street trees, garden trees and woods."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely

from hazardsim.server.town.ground.kerbside import kerb_lines, kerb_points
from hazardsim.server.town.models.plants import TREES
from hazardsim.server.town.procedural.site import Site

_MAX_WOOD: Final = 300


def add_trees(site: Site) -> None:
    """Street trees, garden trees behind the houses, and woods around the town."""
    rng = site.rng(3)
    slim = ("linden", "maple", "birch", "cherry")
    for index, line in enumerate(kerb_lines(site.ground.road, 3.75)):
        kind = slim[(index + site.seed) % 4]
        for spot in kerb_points(line, 6.0, 12.5 if site.character == "city" else 11.0):
            chosen = kind if rng.random() < 0.8 else slim[int(rng.integers(0, 4))]
            if rng.random() < 0.72 and _fits_tree(site, spot.x, spot.y, TREES[chosen].crown_m * 0.78):
                site.add_node(spot.x, spot.y, {"natural": "tree", "species": chosen})
    low, high = site.ground.samples[:, :2].min(axis=0) - 85.0, site.ground.samples[:, :2].max(axis=0) + 85.0
    count = int(min(np.prod(high - low) / 110.0, 4000))
    kinds, made = tuple(TREES), 0
    for x, y in rng.uniform(low, high, size=(count, 2)):
        chosen = kinds[int(rng.integers(0, len(kinds)))]
        far = site.ground.built.distance(shapely.Point(x, y)) > TREES[chosen].crown_m + 0.6
        if made < _MAX_WOOD and far and _fits_tree(site, float(x), float(y), TREES[chosen].crown_m * 0.9):
            made += 1
            site.add_node(float(x), float(y), {"natural": "tree", "species": chosen})


def _fits_tree(site: Site, x: float, y: float, crown_m: float) -> bool:
    point = shapely.Point(x, y)
    wet = site.ground.water.intersects(point.buffer(1.0))
    if wet or not site.occupancy.is_free(point.buffer(crown_m)) or site.ground.lanes.distance(point) < crown_m * 1.35:
        return False
    site.occupancy.take(point.buffer(0.9))
    return True

"""Street furniture where the map has it; it looks at the road."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely

from hazardsim.mesh.solid import Floats
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.objects.placement import Placement
from hazardsim.taxonomy import TAG

# key, value of an OSM node -> model, tag of the object.
_NODES: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("highway", "street_lamp", "street_lamp", "Poles"),
    ("barrier", "bollard", "bollard", "Poles"),
    ("amenity", "bench", "bench", "Static"),
    ("amenity", "waste_basket", "litter_bin", "Static"),
    ("amenity", "waste_disposal", "wheelie_bin", "Static"),
    ("emergency", "fire_hydrant", "hydrant", "Static"),
    ("amenity", "post_box", "post_box", "Static"),
    ("man_made", "street_cabinet", "cabinet", "Static"),
    ("man_made", "planter", "planter", "Static"),
    ("highway", "bus_stop", "bus_shelter", "Static"),
)


def place_furniture(placement: Placement, features: Sequence[Feature]) -> None:
    """Lamps, benches, bins and so on; they look at the road."""
    for feature in features:
        for key, value, model, tag in _NODES:
            if len(feature.points) == 1 and feature.tags.get(key) == value:
                _beside_road(placement, feature.points[0], model, tag)
                break


def _beside_road(placement: Placement, point: Floats, model: str, tag: str) -> None:
    x, y = (float(v) for v in point)
    here = shapely.Point(x, y)
    nearest = shapely.get_coordinates(shapely.shortest_line(placement.ground.road, here))[0]
    distance = float(np.hypot(nearest[0] - x, nearest[1] - y))
    if distance < 0.25:
        return
    if model == "street_lamp" and distance > 2.5:
        model = "park_lamp"
    turn = float(np.arctan2(nearest[1] - y, nearest[0] - x))
    placement.add_model(model)
    if placement.contents.footprint(model, x, y, turn).intersects(placement.ground.road):
        return
    place = np.array([x, y, placement.ground.height(x, y)])
    placement.contents.place_model(model, TAG[tag], model, place, turn)

"""What a map does not tell is made up along the roads from a seed, as features with OpenStreetMap tags.

So it can be built at once or written to an OSM file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.procedural.frontages import add_buildings
from hazardsim.server.town.procedural.site import Site
from hazardsim.server.town.procedural.street_furniture import add_furniture, add_lamps
from hazardsim.server.town.procedural.traffic_signs import add_signs
from hazardsim.server.town.procedural.trees import add_trees


def _is_building(feature: Feature) -> bool:
    return "building" in feature.tags and feature.closed


_KINDS: Final[tuple[tuple[Callable[[Site], None], Callable[[Feature], bool], float], ...]] = (
    (add_signs, lambda f: "traffic_sign" in f.tags, 2.0),
    (add_lamps, lambda f: f.tags.get("highway") == "street_lamp", 6.0),
    (add_buildings, _is_building, 6.0),
    (add_trees, lambda f: f.tags.get("natural") == "tree", 6.0),
    (add_furniture, lambda f: f.tags.get("amenity") in ("bench", "waste_basket", "post_box"), 3.0),
)
"""What makes a kind, which features of the map are of it, and how many a km of road has where the map tells them."""


def missing_features(site: Site, features: Sequence[Feature]) -> list[Feature]:
    """The features that the map lacks."""
    site.reserve(features)
    road_km = sum(s.length_m for s in site.network.driving() if s.junction < 0) / 2000.0
    for add, counts, least in _KINDS:
        if sum(1 for f in features if counts(f)) < least * road_km:
            add(site)
    return site.made

"""Lamps, bins, benches, bus shelters and so on along the sidewalks, and what guards the corners."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely

from hazardsim.server.town.ground.kerbside import KerbPoint, kerb_lines, kerb_points
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import JunctionLeg
from hazardsim.server.town.procedural.site import Site

_FURNITURE: Final = (
    ({"amenity": "waste_basket"}, 0.85, 0.35),
    ({"amenity": "bench"}, 2.1, 0.75),
    ({"emergency": "fire_hydrant"}, 0.75, 0.3),
    ({"amenity": "post_box"}, 2.2, 0.4),
    ({"man_made": "street_cabinet"}, 2.35, 0.7),
    ({"amenity": "waste_disposal"}, 2.3, 0.4),
    ({"man_made": "planter"}, 2.0, 0.65),
)


def add_lamps(site: Site) -> None:
    """A lamp every 26 m at the kerb."""
    for line in kerb_lines(site.ground.road, 0.75):
        for spot in kerb_points(line, 9.0, 26.0):
            if site.occupancy.claim(shapely.Point(spot.x, spot.y).buffer(0.4)):
                site.add_node(spot.x, spot.y, {"highway": "street_lamp"})


def add_furniture(site: Site) -> None:
    """Bins, benches, hydrants and so on along the sidewalks, bus shelters, and bollards at corners."""
    rng = site.rng(4)
    for line in kerb_lines(site.ground.road, 2.05):
        for spot in kerb_points(line, 30.0, 190.0):
            shelter = _oriented(spot, 0.9, 2.9)
            if not site.ground.by_fast_road(spot.x, spot.y, 4.0) and site.occupancy.claim(shelter):
                site.add_node(spot.x, spot.y, {"highway": "bus_stop", "shelter": "yes"})
    for tags, offset, radius in _FURNITURE:
        for line in kerb_lines(site.ground.road, offset):
            for spot in kerb_points(line, float(rng.uniform(5.0, 60.0)), 47.0):
                chosen = rng.random() < 0.62 and not site.ground.by_fast_road(spot.x, spot.y, 4.0)
                if chosen and site.occupancy.claim(shapely.Point(spot.x, spot.y).buffer(radius)):
                    site.add_node(spot.x, spot.y, dict(tags))
    for leg in site.legs:
        if leg.is_lit and rng.random() < 0.5:
            _railings(site, leg)
        elif rng.random() < 0.5:
            _bollards(site, leg)


def _railings(site: Site, leg: JunctionLeg) -> None:
    """Pedestrian railings along the kerb behind a crossing."""
    ahead = np.array([np.cos(leg.away_rad), np.sin(leg.away_rad)])
    left = np.array([-ahead[1], ahead[0]])
    half = 1.75 * (len(leg.incoming) + len(leg.outgoing)) + 0.5
    for side in (-1.0, 1.0):
        ends = np.array([leg.middle[:2] + left * side * half + ahead * s for s in (8.0, 15.0)])
        place = shapely.LineString(ends).buffer(0.3)
        if not place.intersects(site.ground.road) and site.occupancy.claim(place):
            site.made.append(Feature({"barrier": "railing", "height": "1.05"}, ends))


def _bollards(site: Site, leg: JunctionLeg) -> None:
    for side in (-1.0, 1.0):
        turn = leg.away_rad
        half = 1.75 * (len(leg.incoming) + len(leg.outgoing)) + 0.55
        for step in (6.0, 7.5, 9.0, 10.5):
            x = leg.middle[0] + np.cos(turn) * step - np.sin(turn) * half * side
            y = leg.middle[1] + np.sin(turn) * step + np.cos(turn) * half * side
            spot = shapely.Point(x, y)
            if not spot.buffer(0.2).intersects(site.ground.road) and site.occupancy.claim(spot.buffer(0.25)):
                site.add_node(float(x), float(y), {"barrier": "bollard"})


def _oriented(spot: KerbPoint, half_depth: float, half_length: float) -> shapely.Polygon:
    c, s = np.cos(spot.along_rad), np.sin(spot.along_rad)
    ring = [
        (half_length, half_depth),
        (-half_length, half_depth),
        (-half_length, -half_depth),
        (half_length, -half_depth),
    ]
    return shapely.Polygon([(spot.x + u * c - v * s, spot.y + u * s + v * c) for u, v in ring])

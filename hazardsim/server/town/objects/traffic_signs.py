"""Traffic signs where the map has them, and traffic lights at junctions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import JunctionLeg
from hazardsim.server.town.models.signs import SIGNS
from hazardsim.server.town.objects.placement import Placement
from hazardsim.taxonomy import TAG


def place_signs(placement: Placement, features: Sequence[Feature]) -> None:
    """Traffic signs, turned to the traffic of the nearest lane."""
    driving = [s for s in placement.network.driving() if s.junction < 0]
    edges = shapely.STRtree([shapely.LineString(s.edge(-1.0)[:, :2]) for s in driving])
    for feature in features:
        told = feature.tags.get("traffic_sign", "")
        if not told or len(feature.points) != 1:
            continue
        x, y = (float(v) for v in feature.points[0])
        here = shapely.Point(x, y)
        if here.buffer(0.1).intersects(placement.ground.road):
            continue
        lane = driving[int(edges.nearest(here))]
        nearest = int(np.linalg.norm(lane.centre[:, :2] - (x, y), axis=1).argmin())
        turn = float(lane.heading_rad[nearest]) + np.pi
        key = sign_model(told)
        placement.add_model(key)
        place = np.array([x, y, placement.ground.height(x, y)])
        placement.contents.place_model("traffic_sign", TAG["TrafficSigns"], key, place, turn)


def place_traffic_lights(placement: Placement, legs: Sequence[JunctionLeg]) -> None:
    """A traffic light on the right of every leg that has them; opposite legs show the same."""
    for leg in legs:
        if not leg.is_lit or not leg.incoming:
            continue
        outer = max(leg.incoming, key=lambda s: abs(s.lane_id))
        turn = float(outer.heading_rad[-1])
        right = np.array([np.sin(turn), -np.cos(turn)])
        edge = outer.edge(-1.0)[-1, :2] - np.array([np.cos(turn), np.sin(turn)]) * 0.8
        first = min(a.away_rad % np.pi for a in legs if a.junction == leg.junction)
        apart = (leg.away_rad % np.pi) - first
        is_green = min(apart, np.pi - apart) < np.pi / 4
        reach = {1: "post", 2: "arm"}.get(len(leg.incoming), "long")
        key = f"light_{reach}_{'green' if is_green else 'red'}"
        for out in (0.7, 1.2, 2.0):
            x, y = (float(v) for v in edge + right * out)
            if not shapely.Point(x, y).buffer(0.25).intersects(placement.ground.road):
                placement.add_model(key)
                place = np.array([x, y, placement.ground.height(x, y)])
                placement.contents.place_model("traffic_light", TAG["TrafficLight"], key, place, turn + np.pi)
                break


def sign_model(told: str) -> str:
    """The model for an OSM `traffic_sign`: human words, or German numbers such as DE:274-30."""
    code = told.split(",")[0].split(";")[0]
    numbers = {
        "205": "give_way",
        "206": "stop",
        "306": "priority",
        "301": "priority",
        "267": "no_entry",
        "350": "crossing",
    }
    word = code.split(":")[-1]
    if code.startswith("maxspeed") or word.startswith("274"):
        digits = "".join(c for c in word.replace("274", "", 1) if c.isdigit())
        limit = int(digits) if digits and word.startswith("274") else int(word) if word.isdigit() else 50
        return f"sign_speed_{min((30, 50, 60, 70, 90), key=lambda v: abs(v - limit))}"
    kind = numbers.get(word.split("-")[0], word)
    return f"sign_{kind}" if f"sign_{kind}" in SIGNS else "sign_parking" if word.startswith("314") else "sign_warning"

"""Child process: OSM or OpenDRIVE on stdin, road network as msgpack on stdout.

A process of its own because the carla library prints from C++ to stdout and may abort the process on malformed input;
here that can harm nobody. Usage: `python -m hazardsim.server.town.maps.lane_sampling PROJ` for OSM, where PROJ is the
PROJ string of its metres; without it stdin is OpenDRIVE.
"""

from __future__ import annotations

import math
import os
import re
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import msgpack

if TYPE_CHECKING:
    import carla

STEP_M = 2.0
_SIGNAL_TYPE = "1000001"
_EDGE_M = 1e-3


def without_stamp(opendrive: str) -> str:
    """The text without the converter's comment and date, so that equal roads give equal bytes."""
    text = re.sub(r"<!-- generated on .*?-->\s*", "", opendrive, count=1, flags=re.DOTALL)
    return re.sub(r'(<header\b[^>]*?)\sdate="[^"]*"', r"\1", text, count=1)


def opendrive_from_osm(osm: str, projection: str) -> str:
    """OpenDRIVE in the metres of a PROJ string, by the converter inside the carla client."""
    import carla

    settings = carla.Osm2OdrSettings()
    settings.proj_string = projection
    settings.center_map = False
    settings.use_offsets = False
    settings.default_lane_width = 3.5
    settings.generate_traffic_lights = True
    return without_stamp(str(carla.Osm2Odr.convert(osm, settings)))


def _neighbours(road: ET.Element) -> tuple[int, int]:
    junctions = []
    for end in ("predecessor", "successor"):
        link = road.find(f"link/{end}")
        is_junction = link is not None and link.get("elementType") == "junction"
        junctions.append(int(link.get("elementId", "-1")) if link is not None and is_junction else -1)
    return junctions[0], junctions[1]


def _sampled(
    carla_map: carla.Map, road: ET.Element, lane: ET.Element, span: tuple[float, float]
) -> dict[str, Any] | None:
    lane_id, road_id = int(lane.get("id", "0")), int(road.get("id", "0"))
    count = max(2, math.ceil((span[1] - span[0]) / STEP_M) + 1)
    rows, marks = [], []
    for i in range(count):
        s = span[0] + _EDGE_M + (span[1] - span[0] - 2 * _EDGE_M) * i / (count - 1)
        point = carla_map.get_waypoint_xodr(road_id, lane_id, s)
        if point is None:
            return None
        place, turn = point.transform.location, point.transform.rotation
        rows.append((place.x, -place.y, place.z, -math.radians(turn.yaw), point.lane_width))
        left, right = point.left_lane_marking, point.right_lane_marking
        marks.append((int(left.type), int(left.color), int(right.type), int(right.color)))
    first = carla_map.get_waypoint_xodr(road_id, lane_id, span[0] + _EDGE_M)
    ahead = rows[1][0] - rows[0][0], rows[1][1] - rows[0][1]
    if math.cos(rows[0][3]) * ahead[0] + math.sin(rows[0][3]) * ahead[1] < 0:
        rows.reverse()
        marks.reverse()
    speed = lane.find("speed")
    return {
        "road": road_id,
        "lane_id": lane_id,
        "kind": lane.get("type", "none"),
        "junction": int(road.get("junction", "-1")) if first.is_junction else -1,
        "rows": rows,
        "marks": marks,
        "speed": float(speed.get("max", "0")) if speed is not None else 0.0,
    }


def network_from_opendrive(opendrive: str) -> dict[str, Any]:
    """Lanes sampled every `STEP_M` in driving direction, and the junctions that have traffic lights."""
    import carla

    carla_map = carla.Map("town", opendrive)
    lanes: list[dict[str, Any]] = []
    lights: set[int] = set()
    for road in ET.fromstring(opendrive).iter(  # noqa: S314 (expat bounds entity expansion; this is a child process)
        "road"
    ):
        length = float(road.get("length", "0"))
        sections = sorted(road.iter("laneSection"), key=lambda e: float(e.get("s", "0")))
        starts = [float(e.get("s", "0")) for e in sections] + [length]
        before, after = _neighbours(road)
        for i, section in enumerate(sections):
            if starts[i + 1] - starts[i] < 0.05:
                continue
            for lane in section.iter("lane"):
                if lane.get("id") == "0" or lane.get("type") == "none":
                    continue
                sampled = _sampled(carla_map, road, lane, (starts[i], starts[i + 1]))
                if sampled is None:
                    continue
                ends = (before if i == 0 else -1, after if i == len(sections) - 1 else -1)
                sampled["start"], sampled["end"] = ends if int(lane.get("id", "0")) < 0 else ends[::-1]
                lanes.append(sampled)
        if road.get("junction", "-1") != "-1":
            dynamic = (s for s in road.iter("signal") if s.get("type") == _SIGNAL_TYPE or s.get("dynamic") == "yes")
            lights.update(int(road.get("junction", "-1")) for _ in dynamic)
        elif any(s.get("type") == _SIGNAL_TYPE for s in road.iter("signal")):
            lights.update(j for j in (before, after) if j >= 0)
    return {"opendrive": opendrive, "lanes": lanes, "lights": sorted(lights)}


def main() -> None:
    """Read stdin, write stdout; what C++ prints on stdout goes to stderr."""
    answer = os.dup(1)
    os.dup2(2, 1)
    text = sys.stdin.buffer.read().decode("utf-8")
    if len(sys.argv) > 1:
        text = opendrive_from_osm(text, sys.argv[1])
    with os.fdopen(answer, "wb") as stream:
        stream.write(msgpack.packb(network_from_opendrive(text)))


if __name__ == "__main__":
    main()

"""From a name or a file to a town: the one entrance of this room."""

from __future__ import annotations

import difflib
import logging
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hazardsim.errors import TownError
from hazardsim.geometry.poses import PoseMatrix
from hazardsim.resources import shipped, shipped_town
from hazardsim.server.renderables import FIRST_TOWN_ID, Town
from hazardsim.server.town.ground.areas import lay_out_ground
from hazardsim.server.town.ground.land_cover import add_land_cover
from hazardsim.server.town.ground.markings import add_markings
from hazardsim.server.town.ground.paving import add_paving
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import junction_legs
from hazardsim.server.town.maps.network import Network, pose_at, read_network
from hazardsim.server.town.maps.osm import read_osm
from hazardsim.server.town.objects.barriers import place_barriers
from hazardsim.server.town.objects.buildings import place_buildings
from hazardsim.server.town.objects.contents import TownContents
from hazardsim.server.town.objects.parked_vehicles import place_parked_vehicles
from hazardsim.server.town.objects.pedestrians import place_pedestrians
from hazardsim.server.town.objects.placement import Placement
from hazardsim.server.town.objects.street_furniture import place_furniture
from hazardsim.server.town.objects.traffic_signs import place_signs, place_traffic_lights
from hazardsim.server.town.objects.vegetation import place_plants, place_verges
from hazardsim.server.town.procedural.missing import missing_features
from hazardsim.server.town.procedural.site import Character, Site

_SPAWN_EVERY_M, _SPAWN_LIFT_M = 18.0, 0.2
_LAST_ID = 0xFFFF
_MOST_TOLD = 8
_LOG = logging.getLogger(__name__)


def town_names() -> list[str]:
    """Names of the shipped towns, sorted."""
    return sorted(p.stem for p in (shipped("scenarios") / "towns").glob("*.osm"))


def build_town(name: str) -> Town:
    """Build a shipped town by name, or one from a path to an `.osm` or `.xodr` file; equal input, equal town.

    Raises:
        TownError: the name is unknown, or the file cannot be read or has no roads.
    """
    path = _find(name)
    text = _text(path)
    title = path.stem
    seed = zlib.crc32(title.encode())
    if path.suffix.lower() == ".osm":
        extract = read_osm(text, str(path))
        _tell(extract.faults, str(path))
        origin_deg = (extract.projection.latitude_deg, extract.projection.longitude_deg)
        network = read_network(text, str(path), extract.projection)
        return replace(assemble(title, seed, network, extract.features, is_osm=True), origin_deg=origin_deg)
    return assemble(title, seed, read_network(text, str(path)), (), is_osm=False)


def _tell(faults: Sequence[str], where: str) -> None:
    for fault in faults[:_MOST_TOLD]:
        _LOG.warning("%s: %s", where, fault)
    if len(faults) > _MOST_TOLD:
        _LOG.warning("%s: %d more parts of the map could not be read whole", where, len(faults) - _MOST_TOLD)


def _find(name: str) -> Path:
    known = town_names()
    if name in known:
        return shipped_town(name)
    path = Path(name)
    if path.suffix.lower() not in (".osm", ".xodr"):
        by_lower = {k.lower(): k for k in known}
        close = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(by_lower[c] for c in close)}?" if close else f"known: {', '.join(known)}"
        raise TownError(f"unknown town {name!r}; {hint} (a path to an .osm or .xodr file works too)")
    if not path.is_file():
        raise TownError(f"{name}: there is no such file; give a path to an .osm or .xodr file")
    return path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as bad:
        raise TownError(f"{path}: not UTF-8 text; export the file again as .osm or .xodr") from bad
    except OSError as bad:
        raise TownError(f"{path}: cannot be read ({bad.strerror}); check the file and its rights") from bad


def assemble(title: str, seed: int, network: Network, features: Sequence[Feature], is_osm: bool) -> Town:
    """Build a town from its road network and features; what they do not tell is invented from the seed."""
    legs = junction_legs(network)
    ground = lay_out_ground(network, features, np.random.default_rng([seed, 1]))
    told = [*features, *missing_features(Site(network, ground, legs, seed, character_of(network)), features)]
    contents = TownContents()
    add_paving(contents.builder, ground)
    add_markings(contents.builder, network, legs, is_osm)
    add_land_cover(contents.builder, ground, told)
    placement = Placement(network, ground, contents, seed)
    place_buildings(placement, told)
    place_barriers(placement, told)
    place_plants(placement, told)
    place_verges(placement)
    place_furniture(placement, told)
    place_signs(placement, told)
    place_traffic_lights(placement, legs)
    place_parked_vehicles(placement, told)
    place_pedestrians(placement)
    if contents.next_id - 1 > _LAST_ID:
        raise TownError(
            f"{title}: {len(contents.objects)} objects, more than {_LAST_ID - FIRST_TOWN_ID + 1}; cut the extract"
        )
    return Town(
        name=title,
        opendrive=network.opendrive,
        meshes=contents.builder.meshes(),
        models=contents.models,
        objects=tuple(contents.objects),
        spawn_points=tuple(spawn_points(network)),
    )


def character_of(network: Network) -> Character:
    """A city if most lanes have a neighbour in their direction, else a village."""
    driving = [s for s in network.driving() if s.junction < 0]
    sides = {(s.road, s.lane_id > 0) for s in driving}
    return "city" if len(driving) > 1.3 * len(sides) else "village"


def spawn_points(network: Network) -> list[PoseMatrix]:
    """Poses 0.2 m over the driving lanes, outside junctions, looking along the lane."""
    out = []
    for lane in network.driving():
        length = lane.length_m
        if lane.junction >= 0 or length < 12.0:
            continue
        run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(lane.centre, axis=0), axis=1))])
        for s in np.arange(6.0, length - 5.0, _SPAWN_EVERY_M):
            place = np.array([np.interp(s, run, lane.centre[:, k]) for k in range(3)])
            turn = float(np.interp(s, run, lane.heading_rad))
            out.append(pose_at(place + np.array([0.0, 0.0, _SPAWN_LIFT_M]), turn))
    return out

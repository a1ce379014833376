"""Calls about the server, the episode, its map, clock and weather."""

from __future__ import annotations

import logging
from dataclasses import astuple
from typing import Final

from hazardsim.server.protocol.codec import U32
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.stream_kinds import SERVED_VERSION
from hazardsim.server.protocol.streams import STATE_STREAM, token
from hazardsim.server.protocol.structs import (
    ALL_LAYERS,
    EpisodeInfo,
    EpisodeSettings,
    MapInfo,
    MapLayers,
    OpendriveGenerationParameters,
    StreamToken,
    WeatherParameters,
)
from hazardsim.server.renderables import Town
from hazardsim.server.weather import Weather
from hazardsim.server.world.simulation import Simulation
from hazardsim.server.world.transforms import transform_from_pose
from hazardsim.taxonomy import TAG

_log = logging.getLogger(__name__)

_CONTENT: Final = "/Game/Carla/Maps/"

# Source: bits of `carla.MapLayer`, Python API reference; the tags that each holds are this project's reading.
_LAYER_TAGS: Final[dict[int, tuple[str, ...]]] = {
    1: ("Buildings",),
    4: ("Vegetation",),
    16: ("Car", "Truck", "Bus", "Motorcycle", "Bicycle"),
    64: ("Static", "Dynamic", "Other"),
    128: ("Poles",),
    256: ("Walls", "Fences", "GuardRail"),
}


class EpisodeCalls:
    """Bound to one simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation.world
        self._streams = simulation.streams
        self._ticker = simulation.ticker
        self._maps = simulation.maps
        self._town_of = simulation.town_of

    def version(self) -> str:
        """The release whose clients may connect."""
        return SERVED_VERSION

    def get_episode_info(self) -> EpisodeInfo:
        """The episode's number and its state stream."""
        with self._world.lock:
            return EpisodeInfo(self._world.episode_id, StreamToken(token(STATE_STREAM, self._streams.port)))

    def get_sensor_token(self, stream: U32) -> StreamToken:
        """Where to dial for a stream; clients ask right before they subscribe."""
        with self._world.lock:
            actor = self._world.actors.find(stream)
        if stream != STATE_STREAM and (actor is None or actor.sensor is None):
            raise CallError(f"no sensor has stream {stream}")
        return StreamToken(self._streams.expect(stream))

    def get_episode_settings(self) -> EpisodeSettings:
        """Clock and physics settings."""
        return self._world.clock.settings

    def set_episode_settings(self, settings: EpisodeSettings) -> int:
        """Take new settings; the current frame."""
        with self._world.lock:
            self._world.clock.settings = settings
            return self._world.clock.frame

    def tick_cue(self) -> int:
        """Advance one frame; its number."""
        return self._ticker.tick()

    def get_map_info(self) -> MapInfo:
        """Name and spawn points."""
        with self._world.lock:
            town = self._world.town
        return MapInfo(f"Carla/Maps/{town.name}", tuple(transform_from_pose(p) for p in town.spawn_points))

    def get_map_data(self) -> str:
        """The map as OpenDRIVE."""
        return self._world.town.opendrive

    def get_available_maps(self) -> tuple[str, ...]:
        """Full paths, as the real server lists them."""
        return tuple(_CONTENT + name for name in self._maps)

    def get_required_files(self, folder: str) -> tuple[str, ...]:
        """Files a client should cache: none here, whatever the folder."""
        _log.debug("no files in %r", folder)
        return ()

    def request_file(self, name: str) -> bytes:
        """A file named by `get_required_files`."""
        raise CallError(f"no file {name[:80]!r}")

    def load_new_episode(self, name: str, reset_settings: bool = True, layers: MapLayers = ALL_LAYERS) -> None:
        """Start over in a map: bare name, full path, or empty for the current one."""
        bare = name.removeprefix(_CONTENT).split("/", maxsplit=1)
        path_of_bare = f"{_CONTENT}{bare[0]}/{bare[0]}"
        wanted = bare[0] if len(bare) == 1 or name == path_of_bare else name
        wanted = wanted or self._world.town.name
        if wanted not in self._maps and wanted != self._world.town.name:
            raise CallError(f"Map '{name[:200]}' not found")
        self._ticker.change_town(lambda: self._build(wanted), reset_settings=reset_settings)
        if layers != ALL_LAYERS:
            self._show(ALL_LAYERS & ~layers, visible=False)
        _log.info("episode %d in %s", self._world.episode_id, wanted)

    def _build(self, name: str) -> Town:
        current = self._world.town
        return current if current.name == name else self._town_of(name)

    def load_map_layer(self, layers: MapLayers) -> None:
        """Show the objects of some layers."""
        self._show(layers, visible=True)

    def unload_map_layer(self, layers: MapLayers) -> None:
        """Hide the objects of some layers."""
        self._show(layers, visible=False)

    def _show(self, layers: int, *, visible: bool) -> None:
        tags = {TAG[name] for bit, names in _LAYER_TAGS.items() if layers & bit for name in names}
        with self._world.lock:
            ids = {thing.id for thing in self._world.town.objects if thing.tag in tags}
            if visible:
                self._world.hidden -= ids
            else:
                self._world.hidden |= ids

    def copy_opendrive_to_file(self, opendrive: str, parameters: OpendriveGenerationParameters) -> None:
        """A map sent by the client: not on this server."""
        del opendrive, parameters
        raise CallError("this server takes no map over the wire: start it with the .xodr file as its town")

    def get_weather_parameters(self) -> WeatherParameters:
        """The weather."""
        return WeatherParameters(*astuple(self._world.weather))

    def set_weather_parameters(self, weather: WeatherParameters) -> None:
        """Change it from the next tick on."""
        with self._world.lock:
            self._world.weather = Weather(*astuple(weather))

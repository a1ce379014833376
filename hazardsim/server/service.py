"""The embedded simulator as one object, and `serve`, which runs it in a process of its own."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from hazardsim.errors import SimulatorError, TownError
from hazardsim.files import json_line, write_whole
from hazardsim.server.protocol.rpc import RpcServer
from hazardsim.server.protocol.sockets import listen_pair
from hazardsim.server.protocol.stream_kinds import SERVED_VERSION, STREAM_KINDS
from hazardsim.server.protocol.streams import StreamServer
from hazardsim.server.renderables import Renderer, Town
from hazardsim.server.world.actor_models import ActorModels, PropCatalogue, StreetCatalogue
from hazardsim.server.world.blueprints import BlueprintLibrary
from hazardsim.server.world.calls import served_calls
from hazardsim.server.world.render_queue import RenderQueue
from hazardsim.server.world.sensors import SENSORS
from hazardsim.server.world.sensors.sensor import SensorBlueprint
from hazardsim.server.world.simulation import Simulation
from hazardsim.server.world.ticker import Ticker
from hazardsim.server.world.world import World
from hazardsim.taxonomy import TAG

_log = logging.getLogger(__name__)

LOOPBACK: Final = "127.0.0.1"


class Service:
    """A CARLA 0.9.16 server: remote calls on `port`, streams on `port + 1`; a context manager.

    Args:
        town_of: builds a town by name; TownError where it cannot.
        maps: the names that clients may load; the first one is loaded unless `town` says otherwise.
        renderer: draws; used by one thread only.
        catalogue: meshes of `static.prop.mesh`.
        street: vehicles and pedestrians, such as the module `hazardsim.street.blueprints`.
        host: the address to listen on.
        port: the first of two neighbouring ports; 0 takes a free pair.
        town: the name of the first town.
        sensors: what can be spawned to measure, by blueprint id.

    Raises:
        SimulatorError: a port is in use, or a sensor's data are of a kind that clients do not know.
        TownError: no such town.
        RenderError: a sensor needs a picture that the renderer does not draw.
    """

    def __init__(
        self,
        town_of: Callable[[str], Town],
        maps: Sequence[str],
        renderer: Renderer,
        catalogue: PropCatalogue,
        street: StreetCatalogue,
        host: str = LOOPBACK,
        port: int = 0,
        town: str | None = None,
        sensors: Mapping[str, SensorBlueprint] = SENSORS,
    ) -> None:
        first = town if town is not None else next(iter(maps), None)
        if first is None:
            raise TownError("no town to serve: give at least one name")
        _require_streams(sensors.values())
        self.host = host
        rpc_listener, stream_listener = listen_pair(host, port)
        self.port: int = rpc_listener.getsockname()[1]
        self._streams = StreamServer(stream_listener)
        self._render_queue = RenderQueue(renderer)
        try:
            self._render_queue.require(sensors.values())
            built = town_of(first)
            self._render_queue.load(built)
        except BaseException:
            self._render_queue.close()
            rpc_listener.close()
            stream_listener.close()
            raise
        library = BlueprintLibrary(sensors.values(), street.VEHICLES, street.WALKERS, TAG["Pedestrians"])
        self._world = World(built, library, ActorModels(catalogue, street), self._streams.port)
        self._ticker = Ticker(self._world, self._streams, self._render_queue)
        simulation = Simulation(self._world, self._ticker, self._streams, self._render_queue, tuple(maps), town_of)
        self._rpc = RpcServer(rpc_listener, served_calls(simulation))

    def __enter__(self) -> Service:
        """Start to serve."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    def start(self) -> None:
        """Accept clients and let time run; returns at once."""
        self._ticker.start()
        self._streams.start()
        self._rpc.start()
        _log.info(
            "listening on %s:%d (streams on %d), CARLA %s, town %s",
            self.host,
            self.port,
            self.port + 1,
            SERVED_VERSION,
            self._world.town.name,
        )

    def close(self) -> None:
        """Break all connections, stop time, wait for what is being drawn."""
        self._rpc.close()
        self._ticker.close()
        self._streams.close()
        self._render_queue.close()


def _require_streams(sensors: Collection[SensorBlueprint]) -> None:
    """Refuse sensors whose `stream` the served client does not know.

    Raises:
        SimulatorError: names the sensor and the kinds that there are.
    """
    known = STREAM_KINDS[SERVED_VERSION]
    for sensor in sensors:
        if sensor.stream not in known:
            raise SimulatorError(
                f"{sensor.id} sends the stream {sensor.stream!r}; CARLA {SERVED_VERSION} knows {', '.join(known)}"
            )


def serve(
    town: str,
    host: str = LOOPBACK,
    port: int = 2000,
    variant: str | None = None,
    samples: int | None = None,
    ready_file: Path | None = None,
) -> None:
    """Serve until a signal (SIGTERM, SIGINT) comes; call it from the main thread.

    Args:
        town: the first town.
        host: the address to listen on.
        port: the first of two neighbouring ports; 0 takes a free pair.
        variant: a Mitsuba variant, None for the best that works.
        samples: light paths a pixel, None for the renderer's own choice.
        ready_file: written whole as soon as clients may connect: JSON with `host`, `port`, `pid` and `renderer`.

    Raises:
        SimulatorError: a port is in use.
        TownError: no such town.
        RenderError: the renderer cannot start.
    """
    from hazardsim.catalogue.library import load_catalogue
    from hazardsim.server.render.renderer import MitsubaRenderer
    from hazardsim.server.town.build import build_town, town_names
    from hazardsim.street import blueprints as street

    renderer = MitsubaRenderer(variant) if samples is None else MitsubaRenderer(variant, samples)
    service = Service(
        town_of=build_town,
        maps=town_names(),
        renderer=renderer,
        catalogue=load_catalogue(),
        street=street,
        host=host,
        port=port,
        town=town,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with service:
        if ready_file is not None:
            announce(ready_file, service.host, service.port, renderer.description)
        stop.wait()


def announce(ready_file: Path, host: str, port: int, renderer: str) -> None:
    """Tell a waiting parent where the server listens and how it draws; the file appears whole or not at all.

    Raises:
        SimulatorError: the file cannot be written.
    """
    facts = {"host": host, "port": port, "pid": os.getpid(), "renderer": renderer}
    write_whole(ready_file, [json_line(facts)], SimulatorError, "the server's --ready-file must be writable")

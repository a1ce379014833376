"""The heartbeat: advances the world, sends the state at once, and has the sensors measure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from numpy.typing import NDArray

from hazardsim.server.protocol.payloads import sensor_message, state_message
from hazardsim.server.protocol.streams import STATE_STREAM, StreamServer
from hazardsim.server.renderables import Town
from hazardsim.server.world.clock import FREE_RUN_SECONDS
from hazardsim.server.world.render_queue import RenderQueue
from hazardsim.server.world.world import Reading, Snapshot, World

_log = logging.getLogger(__name__)

_SUBSCRIBE_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0


class Ticker:
    """Ticks when told in synchronous mode, by itself otherwise.

    A tick answers before its pictures are drawn: the state goes out at once, the frozen snapshot goes to the render
    queue, and calls that follow cannot change it. A synchronous tick waits while that queue is full; a free-running one
    leaves pictures out instead.
    """

    def __init__(self, world: World, streams: StreamServer, render_queue: RenderQueue) -> None:
        self._world = world
        self._streams = streams
        self._render_queue = render_queue
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._last_s = time.monotonic()
        self._thread = threading.Thread(target=self._run_free, name="ticker", daemon=True)

    def start(self) -> None:
        """Begin to tick freely; the first state is out when this returns."""
        with self._turn:
            self._advance(draw=False)
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._thread.join(_STOP_SECONDS)

    def tick(self) -> int:
        """One frame on a client's cue; its number.

        Raises:
            RenderError: an earlier frame could not be drawn.
        """
        with self._turn:
            self._render_queue.wait_for_room()
            self._streams.settle(_SUBSCRIBE_SECONDS)
            return self._advance(draw=True)

    def change_town(self, town_of: Callable[[], Town], *, reset_settings: bool) -> None:
        """Start a new episode in a town; no tick happens in between.

        Raises:
            HazardsimError: the town cannot be built or loaded; the old episode goes on.
        """
        with self._turn:
            town = town_of()
            if town is not self._world.town:
                self._render_queue.load(town)
            with self._world.lock:
                gone = [actor.id for actor in self._world.actors]
                self._world.begin_episode(town, reset_settings=reset_settings)
            for stream in gone:
                self._streams.end(stream)
            self._advance(draw=False)

    def _run_free(self) -> None:
        while not self._stop.wait(FREE_RUN_SECONDS):
            with self._turn:
                if not self._world.clock.settings.synchronous_mode:
                    self._advance(draw=self._render_queue.idle)

    def _advance(self, *, draw: bool) -> int:
        world = self._world
        now = time.monotonic()
        wall_s, self._last_s = now - self._last_s, now
        with world.lock:
            world.clock.advance(wall_s)
            snapshot = world.snapshot(self._streams.watched(), draw=draw)
            world.map_changed = False
        self._streams.publish(STATE_STREAM, state_message(snapshot.state))
        drawn = tuple(r for r in snapshot.readings if r.measurement.cameras)
        for reading in snapshot.readings:
            if not reading.measurement.cameras:
                self._send(reading, snapshot, ())
        if drawn:
            self._render_queue.draw(snapshot, drawn, self._send)
        return snapshot.timestamp.frame

    def _send(self, reading: Reading, snapshot: Snapshot, pictures: Sequence[NDArray[Any]]) -> None:
        body = reading.measurement.encode(pictures)
        message = sensor_message(reading.stream, snapshot.timestamp, reading.transform, body)
        self._streams.publish(reading.actor_id, message)

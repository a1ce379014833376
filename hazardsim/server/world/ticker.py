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
from hazardsim.server.world.sensors.sensor import SensorError, checked_buffers, faults_of
from hazardsim.server.world.world import Reading, Snapshot, World

_log = logging.getLogger(__name__)

_SUBSCRIBE_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 5.0


class Ticker:
    """Ticks when told in synchronous mode, by itself otherwise.

    A tick answers before its pictures are drawn: the state goes out at once, the frozen snapshot goes to the render
    queue, and calls that follow cannot change it. A synchronous tick waits while that queue is full; a free-running one
    leaves pictures out instead. A sensor whose code fails costs its own message alone: the failure is logged once, and
    the client whose cue it was is told.
    """

    def __init__(self, world: World, streams: StreamServer, render_queue: RenderQueue) -> None:
        self._world = world
        self._streams = streams
        self._render_queue = render_queue
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._last_s = time.monotonic()
        self._fault: SensorError | None = None
        self._logged: set[int] = set()
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
            SensorError: a sensor failed, at this frame or with an earlier picture; all others have measured.
        """
        with self._turn:
            self._render_queue.wait_for_room()
            self._streams.settle(_SUBSCRIBE_SECONDS)
            frame = self._advance(draw=True)
            fault, self._fault = self._fault, None
            if fault is not None:
                raise fault
            return frame

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
            self._fault = None
            self._advance(draw=False)

    def _run_free(self) -> None:
        while not self._stop.wait(FREE_RUN_SECONDS):
            with self._turn:
                if not self._world.clock.settings.synchronous_mode:
                    self._advance(draw=self._render_queue.idle)
                    self._fault = None

    def _advance(self, *, draw: bool) -> int:
        world = self._world
        now = time.monotonic()
        wall_s, self._last_s = now - self._last_s, now
        with world.lock:
            world.clock.advance(wall_s)
            snapshot = world.snapshot(self._streams.watched(), draw=draw)
            world.map_changed = False
        self._streams.publish(STATE_STREAM, state_message(snapshot.state))
        for fault in snapshot.faults:
            self._note(fault)
        drawn = tuple(r for r in snapshot.readings if r.measurement.cameras)
        for reading in snapshot.readings:
            if not reading.measurement.cameras:
                self._send(reading, snapshot, ())
        if drawn:
            self._render_queue.draw(snapshot, drawn, self._send)
        return snapshot.timestamp.frame

    def _send(self, reading: Reading, snapshot: Snapshot, pictures: Sequence[NDArray[Any]]) -> None:
        try:
            with faults_of(reading.sensor.id, reading.actor_id, "encode"):
                body = checked_buffers(reading.measurement.encode(pictures))
        except SensorError as fault:
            self._note(fault)
            return
        message = sensor_message(reading.sensor.stream, snapshot.timestamp, reading.transform, body)
        self._streams.publish(reading.actor_id, message)

    def _note(self, fault: SensorError) -> None:
        """Keep a failure for the next one who can be told; on the ticking or on the drawing thread."""
        self._fault = fault
        if fault.actor_id not in self._logged:
            self._logged.add(fault.actor_id)
            _log.error("%s", fault, exc_info=fault)

"""The state of the simulation behind one lock, and frozen snapshots of it for the renderer and the streams.

The world is kinematic: an actor moves when a call moves it, and not otherwise.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from hazardsim.geometry.boxes import OrientedBox, overlap
from hazardsim.geometry.poses import PoseMatrix
from hazardsim.server.protocol.payloads import ActorState, EpisodeState, Timestamp
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.streams import token
from hazardsim.server.protocol.structs import ActorDescription, ActorRecord, EpisodeSettings, Transform
from hazardsim.server.renderables import SceneObject, Town
from hazardsim.server.weather import Weather
from hazardsim.server.world import blueprints
from hazardsim.server.world.actor_models import ActorModels
from hazardsim.server.world.actors import Actor, Actors
from hazardsim.server.world.blueprints import BlueprintLibrary
from hazardsim.server.world.clock import Clock
from hazardsim.server.world.sensors.sensor import Measurement, Moment, SensorBlueprint, SensorError, faults_of

_log = logging.getLogger(__name__)

COLLISION: Final = "Spawn failed because of collision at spawn position"
NO_PARENT: Final = "unable to attach actor: parent actor not found"
_PERIOD_SLACK_S: Final = 1e-6
_EDGE_OF_THE_WORLD_M: Final = 1e7


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one sensor measures at one frame: its actor, its kind, and where it is in CARLA's axes."""

    actor_id: int
    sensor: SensorBlueprint
    transform: Transform
    measurement: Measurement


@dataclass(frozen=True, slots=True, eq=False)
class VisibleWorld:
    """What rays meet."""

    objects: tuple[SceneObject, ...]
    hidden: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The world at one frame; nothing that happens later changes it. `faults` are of sensors that could not measure."""

    timestamp: Timestamp
    state: EpisodeState
    visible: VisibleWorld
    weather: Weather
    readings: tuple[Reading, ...]
    faults: tuple[SensorError, ...] = ()


class World:
    """Everything that calls read and change; hold `lock` around each call."""

    def __init__(self, town: Town, library: BlueprintLibrary, models: ActorModels, stream_port: int) -> None:
        self.lock = threading.RLock()
        self.library = library
        self.models = models
        self.clock = Clock(EpisodeSettings())
        self.actors = Actors()
        self.weather = Weather()
        self.episode_id = 0
        self.town = town
        self.hidden: set[int] = set()
        self.map_changed = False
        self._stream_port = stream_port
        self.spectator = self.begin_episode(town)

    def begin_episode(self, town: Town, *, reset_settings: bool = True) -> Actor:
        """Empty the world and put a spectator into a town; the new spectator."""
        self.actors.clear()
        self.hidden.clear()
        self.episode_id += 1
        self.town = town
        self.map_changed = True
        self.weather = Weather()
        self.clock.begin_episode()
        if reset_settings:
            self.clock.settings = EpisodeSettings()
        self.spectator = Actor(self.actors.new_id(), blueprints.SPECTATOR, {}, Transform())
        self.actors.add(self.spectator)
        return self.spectator

    def record(self, actor: Actor) -> ActorRecord:
        """What a client keeps of an actor."""
        return actor.record(token(actor.id, self._stream_port))

    def spawn(self, description: ActorDescription, transform: Transform, parent_id: int | None = None) -> Actor:
        """A new actor; with a parent, `transform` is relative to it.

        Raises:
            CallError: the real server's text for a wrong description, a missing parent or a collision.
        """
        if parent_id is not None and self.actors.find(parent_id) is None:
            raise CallError(NO_PARENT)
        _check_place(transform)
        try:
            blueprint, values = self.library.resolve(description)
            model = self.models.of(blueprint, values)
            sensor = blueprint.sensor.make(values) if blueprint.sensor is not None else None
        except ValueError as error:
            raise CallError(f"{blueprints.INVALID}: {error}") from None
        actor = Actor(0, blueprint, values, transform, parent_id or 0, model, sensor)
        if blueprint.kind in ("vehicle", "walker") and self._collides(actor):
            raise CallError(COLLISION)
        actor.id = self.actors.new_id()
        self.actors.add(actor)
        return actor

    def place(self, actor: Actor, transform: Transform) -> None:
        """Put an actor somewhere, relative to its parent if it has one.

        Raises:
            CallError: farther away than any world is large.
        """
        _check_place(transform)
        actor.transform = transform

    def _oriented_box(self, actor: Actor) -> OrientedBox | None:
        if actor.model is None:
            return None
        return OrientedBox.of(self.actors.pose(actor), actor.model.centre_m, actor.model.extent_m)

    def _collides(self, actor: Actor) -> bool:
        mine = self._oriented_box(actor)
        if mine is None:
            return False
        others = (self._oriented_box(other) for other in self.actors if other.id != actor.parent_id)
        return any(overlap(mine, box) for box in others if box is not None)

    def visible(self) -> VisibleWorld:
        """What rays meet now."""
        return VisibleWorld(
            tuple(
                SceneObject(actor.id, actor.model.key, actor.model.parts, self._scaled_pose(actor, actor.model.scale))
                for actor in self.actors
                if actor.model is not None
            ),
            frozenset(self.hidden),
        )

    def _scaled_pose(self, actor: Actor, scale: float) -> PoseMatrix:
        pose = self.actors.pose(actor) @ np.diag([scale, scale, scale, 1.0])
        pose.flags.writeable = False
        return pose

    def state(self) -> EpisodeState:
        """Where every actor is, for the state stream."""
        return EpisodeState(
            episode_id=self.episode_id,
            timestamp=self.clock.timestamp(),
            platform_seconds=time.monotonic(),
            delta_seconds=self.clock.delta_s,
            actors=tuple(
                ActorState(
                    id=actor.id,
                    transform=self.actors.transform(actor),
                    velocity=actor.velocity,
                    control=actor.control if actor.blueprint.kind == "vehicle" else None,
                    is_walker=actor.blueprint.kind == "walker",
                )
                for actor in self.actors
            ),
            map_changed=self.map_changed,
        )

    def snapshot(self, watched: frozenset[int], *, draw: bool = True) -> Snapshot:
        """A frozen copy of now, with what each watched sensor measures whose time has come.

        Without `draw` those that need the renderer are left out.
        """
        state = self.state()
        drawing = draw and not self.clock.settings.no_rendering_mode
        readings: list[Reading] = []
        faults: list[SensorError] = []
        for actor in self.actors:
            if actor.id not in watched:
                continue
            try:
                reading = self._reading(actor, state, drawing)
            except SensorError as fault:
                faults.append(fault)
            else:
                readings += [reading] if reading is not None else []
        seen = any(reading.measurement.cameras for reading in readings)
        visible = self.visible() if seen else VisibleWorld((), frozenset())
        return Snapshot(state.timestamp, state, visible, self.weather, tuple(readings), tuple(faults))

    def _reading(self, actor: Actor, state: EpisodeState, drawing: bool) -> Reading | None:
        sensor, blueprint = actor.sensor, actor.blueprint.sensor
        if sensor is None or blueprint is None or (blueprint.passes and not drawing):
            return None
        if self.clock.seconds < actor.due_s - _PERIOD_SLACK_S:
            return None
        transform = self.actors.transform(actor)
        with faults_of(blueprint.id, actor.id, "measure"):
            measurement = sensor.measure(Moment(transform, actor.parent_id, state, self.weather, self.town))
            if measurement is None:
                return None
            if not isinstance(measurement, Measurement):
                raise TypeError(f"expected a Measurement or None, got {type(measurement).__name__}")
            actor.due_s = self.clock.seconds + sensor.period_s
        return Reading(actor.id, blueprint, transform, measurement)


def _check_place(transform: Transform) -> None:
    at = transform.location
    if max(abs(at.x), abs(at.y), abs(at.z)) > _EDGE_OF_THE_WORLD_M:
        raise CallError(f"location ({at.x:g}, {at.y:g}, {at.z:g}) lies outside the world")

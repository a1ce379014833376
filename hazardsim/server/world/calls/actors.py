"""Calls about actors: what may be spawned, what lives, where it is."""

from __future__ import annotations

import logging
from typing import Final

from hazardsim.server.protocol.codec import U8, U32, Wire
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.structs import (
    ActorDefinition,
    ActorDescription,
    ActorRecord,
    BoundingBox,
    Transform,
    Vector3D,
    VehicleControl,
    VehicleLightState,
)
from hazardsim.server.world.simulation import Simulation

_log = logging.getLogger(__name__)

NOT_DESTROYED: Final = "unable to destroy actor: not found"


class ActorCalls:
    """Bound to one simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation.world
        self._streams = simulation.streams

    def get_actor_definitions(self) -> tuple[ActorDefinition, ...]:
        """The blueprint library."""
        return self._world.library.definitions()

    def get_spectator(self) -> ActorRecord:
        """The actor that stands for the user's own eye."""
        with self._world.lock:
            return self._world.record(self._world.spectator)

    def get_actors_by_id(self, ids: tuple[U32, ...]) -> tuple[ActorRecord, ...]:
        """The living ones among them."""
        with self._world.lock:
            found = (self._world.actors.find(actor_id) for actor_id in ids)
            return tuple(self._world.record(actor) for actor in found if actor is not None)

    def get_actor_bounding_box(self, actor_id: U32) -> BoundingBox:
        """Its box in its own axes; zero extent: no body."""
        with self._world.lock:
            return self._world.actors.get(actor_id, "get_actor_bounding_box").box()

    def spawn_actor(self, description: ActorDescription, transform: Transform) -> ActorRecord:
        """A new actor in the world."""
        with self._world.lock:
            return self._world.record(self._world.spawn(description, transform))

    def spawn_actor_with_parent(
        self, description: ActorDescription, transform: Transform, parent: U32, attachment: Wire, socket: str = ""
    ) -> ActorRecord:
        """A new actor that follows another one; every kind of attachment is rigid here."""
        del attachment, socket
        with self._world.lock:
            return self._world.record(self._world.spawn(description, transform, parent))

    def destroy_actor(self, actor_id: U32) -> bool:
        """Remove an actor and end its stream."""
        with self._world.lock:
            if self._world.actors.find(actor_id) is self._world.spectator:
                raise CallError("internal error: unable to destroy actor")
            gone = self._world.actors.remove(actor_id)
        if gone is None:
            raise CallError(NOT_DESTROYED)
        self._streams.end(actor_id)
        return True

    def set_actor_transform(self, actor_id: U32, transform: Transform) -> None:
        """Put an actor somewhere; relative to its parent, if it has one, as on the real server."""
        with self._world.lock:
            self._world.place(self._world.actors.get(actor_id, "set_actor_transform"), transform)

    def set_actor_location(self, actor_id: U32, location: Vector3D) -> None:
        """Move an actor and keep its rotation."""
        with self._world.lock:
            actor = self._world.actors.get(actor_id, "set_actor_location")
            self._world.place(actor, Transform(location, actor.transform.rotation))

    def apply_control_to_vehicle(self, actor_id: U32, control: VehicleControl) -> None:
        """Keep and report the pedals; the vehicle does not drive by them."""
        with self._world.lock:
            self._world.actors.vehicle(actor_id, "apply_control_to_vehicle").control = control

    def set_vehicle_light_state(self, actor_id: U32, lights: VehicleLightState) -> None:
        """Keep and report the lamps."""
        with self._world.lock:
            self._world.actors.vehicle(actor_id, "set_vehicle_light_state").lights = lights.flags

    def get_vehicle_light_state(self, actor_id: U32) -> VehicleLightState:
        """The lamps of one vehicle."""
        with self._world.lock:
            return VehicleLightState(self._world.actors.vehicle(actor_id, "get_vehicle_light_state").lights)

    def get_vehicle_light_states(self) -> tuple[tuple[U32, U32], ...]:
        """The lamps of all vehicles."""
        with self._world.lock:
            return tuple((a.id, a.lights) for a in self._world.actors if a.blueprint.kind == "vehicle")

    def set_actor_simulate_physics(self, actor_id: U32, enabled: bool) -> None:
        """Nothing falls here: accepted for a living actor."""
        self._accept("set_actor_simulate_physics", actor_id, enabled)

    def set_actor_enable_gravity(self, actor_id: U32, enabled: bool) -> None:
        """Nothing falls here: accepted for a living actor."""
        self._accept("set_actor_enable_gravity", actor_id, enabled)

    def set_actor_collisions(self, actor_id: U32, enabled: bool) -> None:
        """Nothing bumps here: accepted for a living actor."""
        self._accept("set_actor_collisions", actor_id, enabled)

    def set_actor_target_velocity(self, actor_id: U32, velocity: Vector3D) -> None:
        """Nothing rolls here: accepted for a living actor."""
        self._accept("set_actor_target_velocity", actor_id, velocity)

    def set_actor_autopilot(self, actor_id: U32, enabled: bool) -> None:
        """The Traffic Manager drives from the client's side: accepted for a living actor."""
        self._accept("set_actor_autopilot", actor_id, enabled)

    def open_vehicle_door(self, actor_id: U32, door: U8) -> None:
        """The doors are painted on: accepted for a living actor."""
        self._accept("open_vehicle_door", actor_id, door)

    def close_vehicle_door(self, actor_id: U32, door: U8) -> None:
        """The doors are painted on: accepted for a living actor."""
        self._accept("close_vehicle_door", actor_id, door)

    def _accept(self, function: str, actor_id: int, value: object) -> None:
        with self._world.lock:
            self._world.actors.get(actor_id, function)
        _log.debug("%s(%d, %s) has no effect in a kinematic world", function, actor_id, value)

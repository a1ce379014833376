"""Calls of the client's Traffic Manager, and about traffic lights, of which this world has none."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from typing import Final

from hazardsim.server.protocol.codec import U16, U32
from hazardsim.server.protocol.structs import Vector3D, VehiclePhysicsControl, WheelPhysicsControl
from hazardsim.server.world.actors import Actor, responding_error
from hazardsim.server.world.attributes import integer
from hazardsim.server.world.simulation import Simulation

_log = logging.getLogger(__name__)

_CENTIMETRES: Final = 100.0
_ALIVE_SECONDS: Final = 0.5


class TrafficCalls:
    """Bound to one simulation; remembers which Traffic Managers clients announced."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation.world
        self._managers: dict[int, str] = {}

    def is_traffic_manager_running(self, port: U16) -> bool:
        """Whether a client announced one on the port that still answers; one whose process died is forgotten."""
        address = self._managers.get(port)
        if address is None:
            return False
        try:
            socket.create_connection((address, port), _ALIVE_SECONDS).close()
        except OSError as error:
            _log.info("the Traffic Manager on %s:%d is gone: %s", address, port, error)
            self._managers.pop(port, None)
            return False
        return True

    def get_traffic_manager_running(self, port: U16) -> tuple[str, U16]:
        """Where it listens; an empty address: nowhere."""
        return self._managers.get(port, ""), port

    def add_traffic_manager_running(self, manager: tuple[str, U16]) -> bool:
        """Announce one; False if the port has one already."""
        address, port = manager
        return self._managers.setdefault(port, address) == address

    def destroy_traffic_manager(self, port: U16) -> bool:
        """Forget one."""
        return self._managers.pop(port, None) is not None

    def get_physics_control(self, actor_id: U32) -> VehiclePhysicsControl:
        """Mass, gears and wheels of a vehicle: an ordinary car's, with wheels at the corners of its box."""
        with self._world.lock:
            return _physics(self._world.actors.vehicle(actor_id, "get_physics_control"))

    def get_group_traffic_lights(self, actor_id: U32) -> tuple[U32, ...]:
        """Lights that switch together."""
        raise responding_error("get_group_traffic_lights", "Actor is not a traffic light", actor_id)

    def reset_all_traffic_lights(self) -> None:
        """There are none."""

    def freeze_all_traffic_lights(self, frozen: bool) -> None:
        """There are none."""


def _physics(actor: Actor) -> VehiclePhysicsControl:
    count = integer(actor.values["number_of_wheels"]) or 4
    box = actor.box()
    sides = (-1.0, 1.0) if count == 4 else (0.0,)
    steered = WheelPhysicsControl(max_steer_angle=70.0)
    wheels = tuple(
        replace(
            steered if end > 0 else replace(steered, max_steer_angle=0.0),
            position=Vector3D(
                (actor.transform.location.x + end * 0.6 * box.extent.x) * _CENTIMETRES,
                (actor.transform.location.y + side * 0.8 * box.extent.y) * _CENTIMETRES,
                actor.transform.location.z * _CENTIMETRES + steered.radius,
            ),
        )
        for end in (1.0, -1.0)
        for side in sides
    )
    return replace(VehiclePhysicsControl(), wheels=wheels)

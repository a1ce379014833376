"""`apply_batch`: many commands in one call.

Source of the numbers and fields: the variant in `LibCarla/source/carla/rpc/Command.h` of CARLA 0.9.16.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from hazardsim.errors import HazardsimError
from hazardsim.server.protocol import wire
from hazardsim.server.protocol.codec import Wire, WireError, decode
from hazardsim.server.protocol.rpc import Bare, CallError
from hazardsim.server.protocol.structs import SpawnCommand, Transform, Vector3D, VehicleControl, VehicleLightState
from hazardsim.server.world.calls.actors import ActorCalls
from hazardsim.server.world.simulation import Simulation

_log = logging.getLogger(__name__)

T = TypeVar("T")
Fields = list[Wire]
_SPAWN: Final = 0
_DESTROY: Final = 1


class BatchCalls:
    """Bound to one simulation; runs commands through the same code as single calls."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation.world
        self._ticker = simulation.ticker
        self._actors = actors = ActorCalls(simulation)
        self._commands: dict[int, Callable[[int, Fields], None]] = {
            _DESTROY: lambda i, _: self._destroy(i),
            2: lambda i, f: actors.apply_control_to_vehicle(i, _field(VehicleControl, f, 1)),
            6: lambda i, f: actors.set_actor_transform(i, _field(Transform, f, 1)),
            7: lambda i, f: actors.set_actor_transform(i, _field(Transform, f, 1)),
            8: lambda i, f: actors.set_actor_target_velocity(i, _field(Vector3D, f, 1)),
            14: lambda i, f: actors.set_actor_simulate_physics(i, _field(bool, f, 1)),
            15: lambda i, f: actors.set_actor_enable_gravity(i, _field(bool, f, 1)),
            16: lambda i, f: actors.set_actor_autopilot(i, _field(bool, f, 1)),
            18: lambda i, f: actors.set_vehicle_light_state(i, VehicleLightState(_field(int, f, 1))),
            19: lambda i, f: actors.set_actor_location(i, _field(Vector3D, f, 1)),
        }

    def apply_batch(self, commands: tuple[Any, ...], do_tick: bool = False) -> Bare:
        """Run commands in order, one answer each; tick afterwards if asked."""
        with self._world.lock:
            results = [self._answer(command) for command in commands]
        if do_tick:
            self._ticker.tick()
        return Bare(results)

    def _answer(self, command: Wire) -> Wire:
        try:
            return wire.good(self._run(command))
        except (CallError, HazardsimError) as error:
            return wire.bad(str(error))

    def _run(self, command: Wire, new_id: int | None = None) -> int:
        """Run one command; the actor it is about. `new_id` stands in for the id of a follow-up.

        Raises:
            CallError: the command failed.
            WireError: it is no command.
        """
        index, fields = _variant(command)
        if index == _SPAWN:
            return self._spawn(decode(SpawnCommand, fields, "SpawnActor"))
        run = self._commands.get(index)
        if run is None:
            raise CallError(f"batch command {index} is not served by this simulator")
        actor_id = new_id if new_id is not None else _actor_id(fields)
        run(actor_id, fields)
        return actor_id

    def _spawn(self, command: SpawnCommand) -> int:
        actor_id = self._world.spawn(command.description, command.transform, command.parent).id
        for follow_up in command.do_after:
            self._follow_up(follow_up, actor_id)
        return actor_id

    def _follow_up(self, command: Wire, actor_id: int) -> None:
        try:
            self._run(command, actor_id)
        except CallError as error:
            _log.info("a follow-up of spawning actor %d failed: %s", actor_id, error)

    def _destroy(self, actor_id: int) -> None:
        self._actors.destroy_actor(actor_id)


def _variant(command: Wire) -> tuple[int, Fields]:
    inner = command[0] if isinstance(command, list) and len(command) == 1 else None
    if not isinstance(inner, list) or len(inner) != 2 or not isinstance(inner[1], list):
        raise WireError("apply_batch: a command is [[index, fields]]")
    return decode(int, inner[0], "apply_batch.index"), inner[1]


def _actor_id(fields: Fields) -> int:
    return _field(int, fields, 0)


def _field(kind: type[T], fields: Fields, at: int) -> T:
    if at >= len(fields):
        raise WireError(f"apply_batch: a command lacks field {at}")
    return decode(kind, fields[at], f"apply_batch.field{at}")

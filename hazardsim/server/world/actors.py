"""Actors and the register that numbers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from hazardsim.geometry.poses import PoseMatrix
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.structs import (
    ZERO,
    ActorAttributeValue,
    ActorDescription,
    ActorRecord,
    BoundingBox,
    Transform,
    Vector3D,
    VehicleControl,
)
from hazardsim.server.renderables import FIRST_TOWN_ID
from hazardsim.server.world.actor_models import ActorModel
from hazardsim.server.world.blueprints import Blueprint
from hazardsim.server.world.sensors.sensor import Sensor
from hazardsim.server.world.transforms import pose_from_transform, transform_from_pose

NOT_FOUND: Final = "Actor could not be found in the registry"
NOT_A_VEHICLE: Final = "Actor is not a Vehicle"


def responding_error(function: str, reason: str, actor_id: int) -> CallError:
    """An error in the words of the real server."""
    return CallError(f"Responding error from function {function}: {reason}. Actor Id: {actor_id}")


@dataclass(slots=True, eq=False)
class Actor:
    """A living actor; `transform` is relative to the parent where it has one (`parent_id` 0: it has none)."""

    id: int
    blueprint: Blueprint
    values: dict[str, str]
    transform: Transform
    parent_id: int = 0
    model: ActorModel | None = None
    sensor: Sensor | None = None
    control: VehicleControl = field(default_factory=VehicleControl)
    velocity: Vector3D = ZERO
    lights: int = 0
    due_s: float = 0.0

    def box(self) -> BoundingBox:
        """Its box in its own axes; all zero for an actor without a body."""
        return BoundingBox() if self.model is None else self.model.box()

    def record(self, stream_token: bytes) -> ActorRecord:
        """What a client keeps of it."""
        values = tuple(ActorAttributeValue(a.id, a.type, self.values[a.id]) for a in self.blueprint.attributes)
        return ActorRecord(
            id=self.id,
            parent_id=self.parent_id,
            description=ActorDescription(self.blueprint.uid, self.blueprint.id, values),
            bounding_box=self.box(),
            semantic_tags=bytes([self.model.tag]) if self.model is not None else b"",
            stream_token=stream_token if self.sensor is not None else b"",
        )


class Actors:
    """The living actors of an episode; numbers go on over episodes, as on the real server."""

    def __init__(self) -> None:
        self._living: dict[int, Actor] = {}
        self._next = 1

    def __iter__(self) -> Iterator[Actor]:
        return iter(list(self._living.values()))

    def new_id(self) -> int:
        """A number that no living actor has; below `FIRST_TOWN_ID`, so that instance pictures stay unambiguous.

        Raises:
            CallError: that many actors live already.
        """
        for _ in range(FIRST_TOWN_ID):
            candidate = self._next
            self._next = candidate + 1 if candidate + 1 < FIRST_TOWN_ID else 1
            if candidate not in self._living:
                return candidate
        raise CallError(f"{FIRST_TOWN_ID - 1} actors live already: destroy some")

    def add(self, actor: Actor) -> None:
        """Register an actor."""
        self._living[actor.id] = actor

    def find(self, actor_id: int) -> Actor | None:
        """A living actor."""
        return self._living.get(actor_id)

    def get(self, actor_id: int, function: str) -> Actor:
        """A living actor, for a call.

        Raises:
            CallError: no such actor, in the real server's words.
        """
        actor = self._living.get(actor_id)
        if actor is None:
            raise responding_error(function, NOT_FOUND, actor_id)
        return actor

    def vehicle(self, actor_id: int, function: str) -> Actor:
        """A living vehicle, for a call.

        Raises:
            CallError: no such actor, or it is no vehicle.
        """
        actor = self.get(actor_id, function)
        if actor.blueprint.kind != "vehicle":
            raise responding_error(function, NOT_A_VEHICLE, actor_id)
        return actor

    def remove(self, actor_id: int) -> Actor | None:
        """Take an actor out; what is attached to it stays where it is."""
        actor = self._living.get(actor_id)
        if actor is None:
            return None
        for child in self:
            if child.parent_id == actor_id:
                child.transform, child.parent_id = self.transform(child), 0
        return self._living.pop(actor_id)

    def clear(self) -> list[Actor]:
        """Take all out."""
        gone = list(self)
        self._living.clear()
        return gone

    def pose(self, actor: Actor) -> PoseMatrix:
        """Where an actor is, [4,4], without its scale."""
        own = pose_from_transform(actor.transform)
        parent = self._living.get(actor.parent_id)
        return own if parent is None else self.pose(parent) @ own

    def transform(self, actor: Actor) -> Transform:
        """Where an actor is, in CARLA's axes."""
        return actor.transform if actor.parent_id == 0 else transform_from_pose(self.pose(actor))

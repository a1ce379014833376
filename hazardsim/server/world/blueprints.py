"""Everything that can be spawned, as CARLA's blueprint library."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from hazardsim.server.protocol.structs import ActorAttribute, ActorDefinition, ActorDescription, AttributeType
from hazardsim.server.world.attributes import attribute, complaint
from hazardsim.server.world.sensors.sensor import SensorBlueprint

MESH_PROP: Final = "static.prop.mesh"
INVALID: Final = "Spawn failed because of invalid actor description"

ActorKind = Literal["sensor", "vehicle", "walker", "prop", "other"]

SECOND_GENERATION: Final = frozenset(
    {
        "vehicle.carlamotors.firetruck",
        "vehicle.dodge.charger_2020",
        "vehicle.ford.ambulance",
        "vehicle.ford.crown",
        "vehicle.lincoln.mkz_2020",
        "vehicle.mercedes.sprinter",
        "vehicle.mitsubishi.fusorosa",
    }
)
"""Vehicles whose lights shine in the real simulator, of those that are served.

Source: "Generation 2" of CARLA's vehicle catalogue (`Docs/catalogue_vehicles.md`).
"""

_COLOURS: Final = ("180,182,184", "28,30,33", "226,226,222", "118,22,24", "24,52,104", "66,74,70", "150,134,104")


class VehicleKind(Protocol):
    """What a blueprint must know of a vehicle."""

    @property
    def blueprint(self) -> str:
        """CARLA's id."""

    @property
    def kind(self) -> str:
        """CARLA's `base_type`: car, truck, van, bus, motorcycle, bicycle."""

    @property
    def tag(self) -> int:
        """CARLA tag of its body."""

    @property
    def wheels(self) -> int:
        """How many."""


class WalkerKind(Protocol):
    """What a blueprint must know of a pedestrian."""

    @property
    def blueprint(self) -> str:
        """CARLA's id."""

    @property
    def age(self) -> str:
        """CARLA's word: adult or child."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A kind of actor; `tag` is the CARLA tag of its body, where the kind alone decides it."""

    uid: int
    id: str
    kind: ActorKind
    attributes: tuple[ActorAttribute, ...] = ()
    sensor: SensorBlueprint | None = None
    tag: int = 0

    def definition(self) -> ActorDefinition:
        """As the client lists it."""
        return ActorDefinition(self.uid, self.id, self.id.replace(".", ","), self.attributes)


SPECTATOR: Final = Blueprint(0, "spectator", "other")


def _role(default: str, *others: str) -> ActorAttribute:
    return attribute("role_name", AttributeType.STRING, default, (default, *others))


def _fixed(name: str, kind: AttributeType, value: str) -> ActorAttribute:
    return attribute(name, kind, value, modifiable=False)


def _vehicle_attributes(vehicle: VehicleKind) -> tuple[ActorAttribute, ...]:
    second = vehicle.blueprint in SECOND_GENERATION
    return (
        _role("autopilot", "scenario", "ego_vehicle", "hero"),
        attribute("color", AttributeType.RGB_COLOR, _COLOURS[0], _COLOURS),
        attribute("sticky_control", AttributeType.BOOL, "true"),
        attribute("ros_name", AttributeType.STRING, vehicle.blueprint),
        _fixed("object_type", AttributeType.STRING, ""),
        _fixed("base_type", AttributeType.STRING, vehicle.kind),
        _fixed("special_type", AttributeType.STRING, ""),
        _fixed("number_of_wheels", AttributeType.INT, str(vehicle.wheels)),
        _fixed("generation", AttributeType.INT, "2" if second else "1"),
        _fixed("has_lights", AttributeType.BOOL, str(second).lower()),
        _fixed("has_dynamic_doors", AttributeType.BOOL, "false"),
    )


def _walker_attributes(walker: WalkerKind) -> tuple[ActorAttribute, ...]:
    return (
        _role("pedestrian"),
        attribute("is_invincible", AttributeType.BOOL, "true"),
        attribute("speed", AttributeType.FLOAT, "0.0", ("0.0", "1.433", "2.667")),
        attribute("ros_name", AttributeType.STRING, walker.blueprint),
        _fixed("gender", AttributeType.STRING, "other"),  # CARLA's documents do not say whose is which
        _fixed("age", AttributeType.STRING, walker.age),
        _fixed("generation", AttributeType.INT, "1"),
    )


def _mesh_attributes() -> tuple[ActorAttribute, ...]:
    return (
        _role("prop"),
        attribute("mesh_path", AttributeType.STRING, ""),
        attribute("mass", AttributeType.FLOAT, ""),
        attribute("scale", AttributeType.FLOAT, "1.0f"),
    )


_Row = tuple[str, ActorKind, tuple[ActorAttribute, ...], SensorBlueprint | None, int]


class BlueprintLibrary:
    """The blueprints of one server, numbered from 1 in a fixed order."""

    def __init__(
        self,
        sensors: Collection[SensorBlueprint],
        vehicles: Sequence[VehicleKind],
        walkers: Sequence[WalkerKind],
        pedestrian_tag: int,
    ) -> None:
        rows: list[_Row] = [(sensor.id, "sensor", sensor.attributes, sensor, 0) for sensor in sensors]
        rows.append((MESH_PROP, "prop", _mesh_attributes(), None, 0))
        rows += [(v.blueprint, "vehicle", _vehicle_attributes(v), None, v.tag) for v in vehicles]
        rows += [(w.blueprint, "walker", _walker_attributes(w), None, pedestrian_tag) for w in walkers]
        self._blueprints = {row[0]: Blueprint(uid, *row) for uid, row in enumerate(sorted(rows, key=_by_id), 1)}

    def definitions(self) -> tuple[ActorDefinition, ...]:
        """All of them, for the client."""
        return tuple(b.definition() for b in self._blueprints.values())

    def resolve(self, description: ActorDescription) -> tuple[Blueprint, dict[str, str]]:
        """The blueprint of a request and the value of each of its attributes.

        Raises:
            ValueError: no such blueprint, or a value that its attribute cannot have; the message says which.
        """
        blueprint = self._blueprints.get(description.id)
        if blueprint is None or blueprint.uid != description.uid:
            raise ValueError(f"no blueprint {description.id!r} with number {description.uid}")
        values = {declared.id: declared.value for declared in blueprint.attributes}
        declared_by_id = {declared.id: declared for declared in blueprint.attributes}
        for given in description.attributes:
            declared = declared_by_id.get(given.id)
            if declared is None:
                raise ValueError(f"{description.id} has no attribute {given.id!r}")
            wrong = complaint(declared, given.value)
            if wrong is not None:
                raise ValueError(wrong)
            if declared.is_modifiable:
                values[given.id] = given.value
        return blueprint, values


def _by_id(row: _Row) -> str:
    return row[0]

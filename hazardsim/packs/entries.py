"""What is taken out of a pack: anomalies, and street models that stand in for CARLA's blueprints."""

from __future__ import annotations

from dataclasses import dataclass

from hazardsim.yaml_files import strict


@strict
@dataclass(frozen=True, slots=True)
class PackedAnomaly:
    """An anomaly: `model` is the source's own id; `turn_deg` turns its front towards +x where it is elsewhere."""

    id: str
    model: str
    category: str
    turn_deg: float = 0.0


@strict
@dataclass(frozen=True, slots=True)
class PackedVehicle:
    """A vehicle that stands in for a blueprint; the materials named in `body` take the blueprint's colour."""

    id: str
    model: str
    blueprint: str
    body: tuple[str, ...] = ()
    turn_deg: float = 0.0


@strict
@dataclass(frozen=True, slots=True)
class PackedPerson:
    """A person who stands in for pedestrian blueprints."""

    id: str
    model: str
    blueprints: tuple[str, ...]
    turn_deg: float = 0.0


PackEntry = PackedAnomaly | PackedVehicle | PackedPerson


@dataclass(frozen=True, slots=True)
class PackContents:
    """Everything that is taken out of a pack; ids are unique within it."""

    anomalies: tuple[PackedAnomaly, ...] = ()
    vehicles: tuple[PackedVehicle, ...] = ()
    people: tuple[PackedPerson, ...] = ()

    def entries(self) -> tuple[PackEntry, ...]:
        """All models to convert, in listed order."""
        return (*self.anomalies, *self.vehicles, *self.people)

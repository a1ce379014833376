"""The curated list of a fetched pack: `assets/sweethome3d.yaml`, checked key by key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from hazardsim.catalogue.splits import split_of_category
from hazardsim.errors import AssetError
from hazardsim.resources import shipped
from hazardsim.yaml_files import read_listing, strict

PACK: Final = "sweethome3d"


@strict
@dataclass(frozen=True, slots=True)
class Package:
    """The Debian package that holds the libraries."""

    name: str
    version: str
    bytes: int
    sha256: str


@strict
@dataclass(frozen=True, slots=True)
class Library:
    """One .sh3f file: its checksum and the licence of its models."""

    file: str
    bytes: int
    sha256: str
    licence: str
    licence_url: str


@strict
@dataclass(frozen=True, slots=True)
class Anomaly:
    """An anomaly: `model` is the library's own id; `turn_deg` turns its front towards +x where it is elsewhere."""

    id: str
    model: str
    category: str
    turn_deg: float = 0.0


@strict
@dataclass(frozen=True, slots=True)
class StreetVehicle:
    """A vehicle that stands in for a blueprint; the materials named in `body` take the blueprint's colour."""

    id: str
    model: str
    blueprint: str
    body: tuple[str, ...] = ()
    turn_deg: float = 0.0


@strict
@dataclass(frozen=True, slots=True)
class StreetPerson:
    """A person who stands in for pedestrian blueprints."""

    id: str
    model: str
    blueprints: tuple[str, ...]
    turn_deg: float = 0.0


@strict
@dataclass(frozen=True, slots=True)
class PackList:
    """Everything that is taken out of the pack."""

    package: Package
    libraries: tuple[Library, ...]
    anomalies: tuple[Anomaly, ...]
    vehicles: tuple[StreetVehicle, ...]
    people: tuple[StreetPerson, ...]

    def entries(self) -> tuple[Anomaly | StreetVehicle | StreetPerson, ...]:
        """All models to convert, in listed order."""
        return (*self.anomalies, *self.vehicles, *self.people)


@cache
def pack_list(path: Path | None = None) -> PackList:
    """The curated list.

    Raises:
        AssetError: the file is malformed, an id is listed twice, or a category has no split.
    """
    source = path if path is not None else shipped("assets") / f"{PACK}.yaml"
    listed = read_listing(source, PackList)
    seen: set[str] = set()
    for entry in listed.entries():
        if entry.id in seen:
            raise AssetError(f"{source}: id {entry.id!r} is listed twice")
        seen.add(entry.id)
    splits = split_of_category()
    for anomaly in listed.anomalies:
        if anomaly.category not in splits:
            raise AssetError(f"{source}: {anomaly.id}: category {anomaly.category!r} has no split in categories.yaml")
    return listed

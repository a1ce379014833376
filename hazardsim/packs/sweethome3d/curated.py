"""The curated list of this pack: `assets/sweethome3d.yaml`, checked key by key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hazardsim.errors import AssetError
from hazardsim.packs.entries import PackContents, PackedAnomaly, PackedPerson, PackedVehicle
from hazardsim.resources import shipped
from hazardsim.yaml_files import read_listing, strict


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
class CuratedList:
    """The package, its libraries, and everything that is taken out of them."""

    package: Package
    libraries: tuple[Library, ...]
    anomalies: tuple[PackedAnomaly, ...]
    vehicles: tuple[PackedVehicle, ...]
    people: tuple[PackedPerson, ...]

    def contents(self) -> PackContents:
        """What is taken out."""
        return PackContents(self.anomalies, self.vehicles, self.people)


@cache
def curated_list(path: Path | None = None) -> CuratedList:
    """The curated list.

    Raises:
        AssetError: the file is malformed, or an id is listed twice.
    """
    source = path if path is not None else shipped("assets") / "sweethome3d.yaml"
    listed = read_listing(source, CuratedList)
    seen: set[str] = set()
    for entry in listed.contents().entries():
        if entry.id in seen:
            raise AssetError(f"{source}: id {entry.id!r} is listed twice")
        seen.add(entry.id)
    return listed

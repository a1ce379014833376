"""What a source of models must tell and do; all else about packs asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hazardsim.mesh.model import Part
from hazardsim.packs.entries import PackContents, PackEntry


@dataclass(frozen=True, slots=True)
class Provenance:
    """Whose model it is: `original` is its id at the source, `source` names the file that it came in."""

    original: str
    name: str
    creator: str
    licence: str
    licence_url: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class ConvertedModel:
    """A model ready to be stored; textures by file name; `changes` says what was done to the original."""

    parts: tuple[Part, ...]
    textures: dict[str, bytes]
    changes: tuple[str, ...]
    size_m: tuple[float, float, float]
    triangles: int


class Pack(Protocol):
    """A source of models: pinned in version and checksum, every model with its licence."""

    @property
    def name(self) -> str:
        """The key in `PACKS`, and the folder in the cache."""

    @property
    def version(self) -> str:
        """The version of the source; another version is another folder in the cache."""

    def contents(self) -> PackContents:
        """What is taken out of it."""

    def origin(self) -> Mapping[str, object]:
        """What is pinned of the source (name, version, size, checksum), ready for JSON."""

    def attribution(self) -> Sequence[str]:
        """Lines that name the source, above the list of its models' authors."""

    def download_notice(self) -> str:
        """What a download would fetch, how large it is, and by what means."""

    def download(self, into: Path) -> Path:
        """Fetch the archive into the folder `into`; nothing else of a pack uses the network.

        Raises:
            AssetError: it cannot be had; the message says how else to get it.
        """

    def models(
        self, archive: Path, wanted: Sequence[PackEntry], scratch: Path
    ) -> Iterator[tuple[PackEntry, Provenance, ConvertedModel]]:
        """The wanted models out of the archive, each once, in an order that is always the same.

        Raises:
            AssetError: the archive fails its checksum, leads out of itself, or lacks a model.
        """

"""Reads Sweet Home 3D furniture libraries (.sh3f): a zip of OBJ models and a Java properties catalogue."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import AssetError

_CATALOGUE: Final = "PluginFurnitureCatalog.properties"
_LARGEST: Final = 1 << 28
"""No file in a library may unpack to more bytes than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Furniture:
    """A catalogue entry: `size_m` = width (x), depth (z), height (y) in the library's own y-up axes."""

    id: str
    name: str
    creator: str
    model: PurePosixPath
    size_m: tuple[float, float, float]
    rotation: NDArray[np.float64] | None


class FurnitureLibrary:
    """An open .sh3f file; use it in a `with` block."""

    def __init__(self, path: Path) -> None:
        """Open the zip and read its catalogue.

        Raises:
            AssetError: the file is unreadable, no library, or has a member that leads out of it.
        """
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise AssetError(f"{path} is no furniture library: {error}") from error
        self._members = {name: name for name in self._zip.namelist()}
        for name in self._members:
            inside = PurePosixPath(name)
            if inside.is_absolute() or ".." in inside.parts:
                raise AssetError(f"{path}: member {name!r} leads out of the library; refused")
        self.furniture: Mapping[str, Furniture] = _catalogue(self.read(_CATALOGUE), path)

    def __enter__(self) -> FurnitureLibrary:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            AssetError: there is no such member, it is damaged, or it is far too large.
        """
        try:
            if self._zip.getinfo(name).file_size > _LARGEST:
                raise AssetError(f"{self.path}: {name} unpacks to more than {_LARGEST >> 20} MB; refused")
            return self._zip.read(name)
        except KeyError as error:
            raise AssetError(f"{self.path} has no {name}; is it a furniture library?") from error
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            raise AssetError(f"{self.path}: {name} is damaged: {error}") from error

    def beside(self, model: PurePosixPath) -> dict[str, str]:
        """Members in a model's own folder, by lower-case base name."""
        folder = model.parent
        return {PurePosixPath(n).name.lower(): n for n in self._members if PurePosixPath(n).parent == folder}


def _catalogue(content: bytes, path: Path) -> dict[str, Furniture]:
    rows: dict[int, dict[str, str]] = {}
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), content.decode("latin-1"))
    for key, number, value in re.findall(r"^\s*(\w+)#(\d+)\s*[=:][ \t]*(.*?)\r?$", text, flags=re.MULTILINE):
        rows.setdefault(int(number), {})[key] = value
    furniture = {}
    for number, row in rows.items():
        try:
            turn = row.get("modelRotation")
            item = Furniture(
                id=row["id"],
                name=row["name"],
                creator=row.get("creator", "unknown"),
                model=PurePosixPath(row["model"].lstrip("/")),
                size_m=(float(row["width"]) / 100, float(row["depth"]) / 100, float(row["height"]) / 100),
                rotation=None if turn is None else np.array(turn.split(), dtype=np.float64).reshape(3, 3),
            )
        except (KeyError, ValueError) as error:
            raise AssetError(f"{path}: catalogue entry {number} is malformed: {error}") from error
        furniture[item.id] = item
    return furniture

"""Arrays of images on disk, a file for each image, to which later passes may add."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.arrays import array_names, read_arrays, write_arrays
from ood_eval.errors import ResultError
from ood_eval.tasks.packed_scores import packed, unpacked


@dataclass(frozen=True, slots=True)
class ImageArrays:
    """A folder with an .npz per image, as score maps [H,W] f32 by detector beside their truth.

    Args:
        folder: is made when it is needed.
        packs: whether maps of float32 are packed, without loss.
    """

    folder: Path
    packs: bool = False

    def path(self, index: int) -> Path:
        """The file of an image."""
        return self.folder / f"{index:08d}.npz"

    def names(self, index: int) -> frozenset[str]:
        """What is kept of an image.

        Raises:
            ResultError: the file is damaged.
        """
        return array_names(self.path(index)) if self.path(index).is_file() else frozenset()

    def lack(self, index: int, *names: str) -> bool:
        """Whether an image misses any of some arrays; a damaged file, which is removed, holds none."""
        try:
            return not self.names(index).issuperset(names)
        except ResultError:
            self.path(index).unlink(missing_ok=True)
            return True

    def save(self, index: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keeps arrays of an image beside those that are there, whole or not at all.

        Raises:
            ResultError: the folder cannot be written, the disk is full, or the file is damaged.
        """
        there = self.names(index) - arrays.keys()
        kept = read_arrays(self.path(index), lambda name: name in there) if there else {}
        new = {name: packed(value) if self.packs and _is_map(value) else value for name, value in arrays.items()}
        write_arrays(self.path(index), kept | new, compressed=False)

    def load(self, index: int, *names: str) -> tuple[NDArray[Any], ...]:
        """Arrays of an image by name.

        Raises:
            ResultError: the file is missing or damaged, or has no array of such a name.
        """
        arrays = read_arrays(self.path(index), lambda name: name in names)
        if absent := [name for name in names if name not in arrays]:
            raise ResultError(f"{self.path(index)}: lacks {absent[0]}; delete this file and run again")
        try:
            return tuple(
                unpacked(arrays[name]) if self.packs and arrays[name].ndim == 1 else arrays[name] for name in names
            )
        except ValueError as error:
            raise ResultError(f"{self.path(index)}: damaged; delete this file and run again") from error

    def keep(self, indices: frozenset[int]) -> None:
        """Deletes the files of all other images."""
        for path in self.folder.glob("*.npz"):
            if path.stem.isdecimal() and int(path.stem) not in indices:
                path.unlink(missing_ok=True)

    def delete(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_map(value: NDArray[Any]) -> bool:
    return value.ndim == 2 and value.dtype == np.float32

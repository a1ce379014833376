"""Arrays of images on disk, a file for each image, to which later passes may add."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import ResultError
from ood_eval.files import write_bytes


@dataclass(frozen=True, slots=True)
class ImageArrays:
    """A folder with an .npz per image, as score maps [H,W] f32 by detector beside their truth."""

    folder: Path

    def path(self, index: int) -> Path:
        """The file of an image."""
        return self.folder / f"{index:08d}.npz"

    def names(self, index: int) -> frozenset[str]:
        """What is kept of an image.

        Raises:
            ResultError: the file is damaged.
        """
        if not self.path(index).is_file():
            return frozenset()
        try:
            with np.load(self.path(index), allow_pickle=False) as arrays:
                return frozenset(arrays.files)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise ResultError(f"{self.path(index)}: damaged; delete this file and run again") from error

    def save(self, index: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keeps arrays of an image beside those that are there, whole or not at all.

        Raises:
            ResultError: the folder cannot be written, the disk is full, or the file is damaged.
        """
        there = self.names(index) - arrays.keys()
        kept = dict(zip(there, self.load(index, *there), strict=True)) if there else {}
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **kept, **arrays)
        write_bytes(self.path(index), stream.getvalue())

    def load(self, index: int, *names: str) -> tuple[NDArray[Any], ...]:
        """Arrays of an image by name.

        Raises:
            ResultError: the file is missing or damaged, or has no array of such a name.
        """
        try:
            with np.load(self.path(index), allow_pickle=False) as arrays:
                return tuple(arrays[name] for name in names)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ResultError(f"{self.path(index)}: missing or damaged; run again with another --out") from error

    def keep(self, indices: frozenset[int]) -> None:
        """Deletes the files of all other images."""
        for path in self.folder.glob("*.npz"):
            if int(path.stem) not in indices:
                path.unlink(missing_ok=True)

    def delete(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

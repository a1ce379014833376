"""Shards: what a while of scoring has counted, so that a broken run continues."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.engine.cells import Cell, CellStore
from ood_eval.errors import ResultError
from ood_eval.files import content_key, write_bytes
from ood_eval.tasks import Count


@dataclass(frozen=True, slots=True)
class ShardStore:
    """A folder of shards of one benchmark under one checkpoint: images, and counts by cell."""

    folder: Path

    def save(self, indices: Sequence[int], counts: Mapping[Cell, Count]) -> None:
        """Keeps what some images added to some cells, whole or not at all.

        Raises:
            ResultError: the folder cannot be written or the disk is full.
        """
        keys = [cell.key for cell in counts]
        arrays: dict[str, NDArray[Any]] = {"indices": np.array(indices, dtype=np.int64), "cells": np.array(keys)}
        for cell, count in counts.items():
            arrays |= {f"{cell.key}|{name}": value for name, value in count.state().items()}
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        name = f"{indices[0]:08d}-{content_key([list(indices), keys])}.npz"
        write_bytes(self.folder / name, stream.getvalue())

    def parts(self, cells: Iterable[Cell]) -> dict[Cell, dict[Path, list[int]]]:
        """By cell, the shards that make it up so far and their images; no image twice.

        Raises:
            ResultError: a shard is damaged.
        """
        found: dict[Cell, dict[Path, list[int]]] = {cell: {} for cell in cells}
        taken: dict[Cell, set[int]] = {cell: set() for cell in found}
        for path in sorted(self.folder.glob("*.npz")):
            arrays = _read(path, ("indices", "cells"))
            indices, keys = arrays["indices"].tolist(), set(arrays["cells"].tolist())
            for cell, parts in found.items():
                if cell.key in keys and taken[cell].isdisjoint(indices):
                    parts[path] = indices
                    taken[cell].update(indices)
        return found

    def add(self, cell: Cell, count: Count, parts: Iterable[Path]) -> None:
        """Adds what some shards hold of a cell to a count; one shard is in memory at a time.

        Raises:
            ResultError: a shard is damaged.
        """
        mark = f"{cell.key}|"
        for path in parts:
            count.add_state({name.removeprefix(mark): value for name, value in _read(path, mark).items()})

    def clear(self, cells: CellStore) -> bool:
        """Deletes the shards all of whose cells are finished; whether none is left.

        Raises:
            ResultError: a shard is damaged.
        """
        for path in sorted(self.folder.glob("*.npz")):
            keys = _read(path, ("cells",))["cells"].tolist()
            if all((cells.folder / f"{key}.npz").is_file() for key in keys):
                path.unlink()
        return next(self.folder.glob("*.npz"), None) is None


def _read(path: Path, wanted: str | tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Arrays of some names, or of all names with a mark in front."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = wanted if isinstance(wanted, tuple) else [name for name in arrays.files if name.startswith(wanted)]
            return {name: arrays[name] for name in names}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ResultError(f"{path}: damaged; delete it and run again") from error

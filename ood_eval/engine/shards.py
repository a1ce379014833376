"""Shards: what a while of scoring has counted, so that a broken run continues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.arrays import read_arrays, write_arrays
from ood_eval.engine.cells import Cell, CellStore
from ood_eval.errors import ResultError
from ood_eval.files import content_key
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
        write_arrays(self.folder / f"{indices[0]:08d}-{content_key([list(indices), keys])}.npz", arrays)

    def parts(self, cells: Iterable[Cell]) -> dict[Cell, dict[Path, list[int]]]:
        """By cell, the shards that make it up so far and their images; no image twice.

        Raises:
            ResultError: a shard is damaged.
        """
        found: dict[Cell, dict[Path, list[int]]] = {cell: {} for cell in cells}
        taken: dict[Cell, set[int]] = {cell: set() for cell in found}
        for path in sorted(self.folder.glob("*.npz")):
            indices, keys = _heading(path)
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
            arrays = read_arrays(path, lambda name: name.startswith(mark))
            count.add_state({name.removeprefix(mark): value for name, value in arrays.items()})

    def clear(self, cells: CellStore) -> bool:
        """Deletes the shards all of whose cells are finished; whether none is left.

        Raises:
            ResultError: a shard is damaged.
        """
        for path in sorted(self.folder.glob("*.npz")):
            if all((cells.folder / f"{key}.npz").is_file() for key in _heading(path)[1]):
                path.unlink()
        return next(self.folder.glob("*.npz"), None) is None


def _heading(path: Path) -> tuple[list[int], set[str]]:
    """The images and the cells of a shard."""
    arrays = read_arrays(path, lambda name: name in {"indices", "cells"})
    if len(arrays) != 2:
        raise ResultError(f"{path}: damaged; delete this file and run again")
    return arrays["indices"].tolist(), set(arrays["cells"].tolist())

"""Cells: the stored results, each under what it depends on and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.arrays import read_arrays, write_arrays
from ood_eval.errors import ResultError
from ood_eval.files import content_key, write_json
from ood_eval.metrics.protocol import Number

States = dict[str, NDArray[Any]]
_NUMBERS = "numbers"
_VERSIONS = "versions"


@dataclass(frozen=True)
class Cell:
    """One measure of one method under one checkpoint on one benchmark.

    Args:
        label: of the detector, or of the segmenter.
        measure: what is counted, as `Task.measures` names it.
        facts: everything that the result depends on, as JSON values.
    """

    label: str
    measure: str
    facts: Mapping[str, object]

    @cached_property
    def key(self) -> str:
        """The name of the cell: a hash of its facts."""
        return content_key(dict(self.facts) | {"label": self.label, "measure": self.measure})

    @cached_property
    def scorer(self) -> str:
        """The detector as it scores here: its label, and a hash of all that its scores depend on besides the image."""
        return f"{self.label} {content_key(self.facts.get('method'))}"

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class CellStore:
    """Finished cells, a file each, and what they depend on beside them."""

    folder: Path

    def has(self, cell: Cell) -> bool:
        """Whether a cell is finished."""
        return self._path(cell).is_file()

    def write(
        self, cell: Cell, state: Mapping[str, NDArray[Any]], numbers: list[Number], versions: Mapping[str, str]
    ) -> None:
        """Keeps a finished cell: its counts, numbers that were read off kept maps, and versions of what computed them.

        Raises:
            ResultError: the folder cannot be written.
        """
        told = {_NUMBERS: _bytes_of([_plain(one) for one in numbers]), _VERSIONS: _bytes_of(dict(versions))}
        write_json(self._path(cell).with_suffix(".json"), dict(cell.facts) | {"for": cell.label, "of": cell.measure})
        write_arrays(self._path(cell), dict(state) | told)

    def read(self, cell: Cell) -> tuple[States, list[Number]]:
        """The counts and numbers of a finished cell.

        Raises:
            ResultError: the file is missing or damaged.
        """
        path = self._path(cell)
        arrays = read_arrays(path)
        try:
            del arrays[_VERSIONS]
            told = json.loads(arrays.pop(_NUMBERS).tobytes())
            return arrays, [Number(**{name: _number(value) for name, value in one.items()}) for one in told]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ResultError(f"{path}: damaged; delete this file and run again") from error

    def versions(self, cell: Cell) -> dict[str, str]:
        """The packages that computed a finished cell, and their versions then.

        Raises:
            ResultError: the file is missing or damaged.
        """
        path = self._path(cell)
        try:
            told = json.loads(read_arrays(path, lambda name: name == _VERSIONS)[_VERSIONS].tobytes())
            return {str(name): str(number) for name, number in told.items()}
        except (ValueError, KeyError, AttributeError) as error:
            raise ResultError(f"{path}: damaged; delete this file and run again") from error

    def _path(self, cell: Cell) -> Path:
        return self.folder / f"{cell.key}.npz"


def _bytes_of(value: object) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, allow_nan=False, sort_keys=True).encode(), dtype=np.uint8)


def _plain(number: Number) -> dict[str, Any]:
    values = {name: getattr(number, name) for name in Number.__slots__}
    return {name: None if value != value else value for name, value in values.items()}


def _number(value: Any) -> Any:  # noqa: ANN401
    return float("nan") if value is None else value

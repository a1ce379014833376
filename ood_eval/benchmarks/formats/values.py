"""What the values of a label map mean, and the refusal of all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID
from ood_eval.errors import ConfigError, DataError


class ValueMap:
    """A table from the values of a file to train ids, or to 0 known, 1 anomaly, 255 void.

    Args:
        values: each value that may occur, 0..255, with what it becomes.

    Raises:
        ConfigError: a number is outside 0..255.
    """

    def __init__(self, values: Mapping[int, int]) -> None:
        if not values or any(not 0 <= number <= 255 for pair in values.items() for number in pair):
            raise ConfigError(f"a value map needs whole numbers 0..255 on both sides; it has {dict(values)}")
        self._table: NDArray[np.uint8] = np.full(256, VOID, dtype=np.uint8)
        self._allowed: NDArray[np.bool_] = np.zeros(256, dtype=np.bool_)
        for value, meaning in values.items():
            self._table[value], self._allowed[value] = meaning, True

    def __call__(self, raw: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
        """The meanings [H,W] u8 of raw values [H,W] u8.

        Raises:
            DataError: a value is not in the table.
        """
        if not self._allowed[raw].all():
            wrong = np.unique(raw[~self._allowed[raw]])
            allowed = _ranges(np.flatnonzero(self._allowed).tolist())
            raise DataError(
                f"{where}: label value {wrong[0]} is outside the table {allowed}; is it the right label map?"
            )
        meant: NDArray[np.uint8] = self._table[raw]
        return meant


def _ranges(numbers: list[int]) -> str:
    """`0..18, 255` of a sorted list."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}..{last}" for first, last in runs)


# Source: Fishyscapes and SegmentMeIfYouCan label files; 255 is void, or outside the region of interest.
BINARY: Final[Mapping[int, int]] = {0: KNOWN, 1: ANOMALY, 255: VOID}

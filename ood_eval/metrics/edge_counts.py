"""A ranking of pixels that were put into bins of their own image: the edges of all images, each with its counts."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import ConfigError
from ood_eval.metrics.binned import BinnedRanking
from ood_eval.metrics.keys import counted

FULL_BITS: Final = 32
_MOST: Final = 1 << 22


class EdgeCounts(BinnedRanking):
    """Counts at each distinct score alone, so that every number and every threshold read off them is exact.

    A commutative monoid of fixed memory: where there are more distinct scores than `most`, all of them lose bits, two
    at a time, until they fit. At 24 bytes each and SMIYC's 768 edges an image the limit lies at 5,000 images or more.

    Args:
        most: distinct scores that are kept.
    """

    def __init__(self, most: int = _MOST) -> None:
        self.bits = FULL_BITS
        self._most = most
        self._rows: NDArray[np.int64] = np.zeros((0, 3), dtype=np.int64)
        self._waiting: list[NDArray[np.int64]] = []

    @property
    def exact(self) -> bool:
        """Whether no two scores had to share a bin."""
        self._settle()
        return self.bits == FULL_BITS

    def update(self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> None:
        """Counts a score map and its anomaly map of equal shape; void pixels do not count.

        Raises:
            DetectorError: shapes differ, or scores are not finite float32.
        """
        keys, flags = counted(scores, anomaly)
        self.add_sparse(np.column_stack([keys, ~flags, flags]).astype(np.int64))

    def merge(self, other: BinnedRanking) -> None:
        """Adds the counts of another instance.

        Raises:
            ConfigError: the other counts otherwise.
        """
        if not isinstance(other, EdgeCounts):
            raise ConfigError(f"cannot merge {type(other).__name__} into {type(self).__name__}")
        self.add_sparse(other.sparse(), other.bits)

    def sparse(self) -> NDArray[np.int64]:
        """The bins in ascending order as rows (bin, known, anomalous), [M,3] i64, of `bits` bits."""
        self._settle()
        return self._rows

    def add_sparse(self, rows: NDArray[np.int64], bits: int = FULL_BITS) -> None:
        """Adds rows (bin, known, anomalous) of bins of `bits` bits, in any order; at 32 a bin is an order key."""
        if bits < self.bits:
            self._settle()  # which may leave fewer bits than these rows have
            self._coarsen(min(bits, self.bits))
        shifted = rows.copy()
        shifted[:, 0] >>= max(bits - self.bits, 0)
        self._waiting.append(shifted)
        if sum(map(len, self._waiting)) > max(len(self._rows), 1 << 16):
            self._settle()

    def _settle(self) -> None:
        """Joins what waits with what is settled, within the limit."""
        if not self._waiting:
            return
        self._rows, self._waiting = _joined(np.concatenate([self._rows, *self._waiting])), []
        while len(self._rows) > self._most:
            self._coarsen(self.bits - 2)

    def _coarsen(self, bits: int) -> None:
        rows = self._rows.copy()
        rows[:, 0] >>= self.bits - bits
        self._rows, self.bits = _joined(rows), bits


def _joined(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows with one for each bin, in ascending order."""
    if not len(rows):
        return rows
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    starts = np.flatnonzero(np.diff(rows[:, 0], prepend=-1))
    sums: NDArray[np.int64] = np.add.reduceat(rows, starts, axis=0)
    sums[:, 0] = rows[starts, 0]
    return sums

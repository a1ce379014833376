"""A ranking of any number of pixels in fixed memory, with brackets that hold the exact numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import ConfigError
from ood_eval.metrics.binned import BinnedRanking
from ood_eval.metrics.keys import bins_of

DEFAULT_BITS: Final = 20


class ScoreHistogram(BinnedRanking):
    """Counts in every bin there is.

    A commutative monoid: histograms of parts merge, in any order, into the histogram of the whole.

    Args:
        bits: 9..24; memory is 16 bytes times 2**bits.

    Raises:
        ConfigError: `bits` is out of range.
    """

    def __init__(self, bits: int = DEFAULT_BITS) -> None:
        if not 9 <= bits <= 24:
            raise ConfigError(f"a score histogram has 9 to 24 bits, not {bits}")
        self.bits = bits
        self._counts: NDArray[np.int64] = np.zeros((1 << bits, 2), dtype=np.int64)

    @property
    def known(self) -> NDArray[np.int64]:
        """Known pixels per bin, [2**bits] i64."""
        return self._counts[:, 0]

    @property
    def anomalous(self) -> NDArray[np.int64]:
        """Anomalous pixels per bin, [2**bits] i64."""
        return self._counts[:, 1]

    def update(self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> None:
        """Counts a score map and its anomaly map of equal shape; void pixels do not count.

        Raises:
            DetectorError: shapes differ, or scores are not finite float32.
        """
        pieces = self._counts.reshape(-1)
        for index in bins_of(scores, anomaly, self.bits):
            np.add.at(pieces, index, 1)

    def merge(self, other: BinnedRanking) -> None:
        """Adds the counts of another histogram of the same number of bits.

        Raises:
            ConfigError: the bits differ, or the other is no histogram.
        """
        if not isinstance(other, ScoreHistogram) or other.bits != self.bits:
            raise ConfigError(f"cannot merge score histograms of {self.bits} and {other.bits} bits")
        self._counts += other._counts

    def sparse(self) -> NDArray[np.int64]:
        """The occupied bins as rows (bin, known, anomalous), [M,3] i64."""
        bins = np.flatnonzero(self.known | self.anomalous)
        return np.column_stack([bins, self._counts[bins]]).astype(np.int64)

    def add_sparse(self, rows: NDArray[np.int64]) -> None:
        """Adds rows of `sparse` of a histogram of the same number of bits."""
        np.add.at(self._counts, rows[:, 0], rows[:, 1:])

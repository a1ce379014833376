"""The exact ranking curve of a set of scores, ties collapsed, and the numbers read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.metrics.keys import counted

RECALL_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class RankingCurve:
    """Cumulative counts at each distinct score, from the highest score down; anomalies are the positives.

    Args:
        true_positives: [T] i64, non-decreasing.
        false_positives: [T] i64, non-decreasing.
    """

    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]

    @property
    def positives(self) -> int:
        """Number of anomalous pixels."""
        return int(self.true_positives[-1]) if self.true_positives.size else 0

    @property
    def negatives(self) -> int:
        """Number of known pixels."""
        return int(self.false_positives[-1]) if self.false_positives.size else 0

    @property
    def has_both(self) -> bool:
        """Whether anomalies and known pixels both occur; otherwise no ranking number is defined."""
        return self.positives > 0 and self.negatives > 0

    def auroc(self) -> float:
        """Area under TPR over FPR by the trapezoid; ties count half."""
        if not self.has_both:
            return float("nan")
        tpr = np.concatenate(([0.0], self.true_positives / self.positives))
        fpr = np.concatenate(([0.0], self.false_positives / self.negatives))
        return float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1])) / 2.0)

    def average_precision(self) -> float:
        """Sum of recall steps times precision, without interpolation."""
        if not self.has_both:
            return float("nan")
        steps = np.diff(self.true_positives, prepend=0) / self.positives
        return float(np.sum(steps * self._precision()))

    def trapezoid_aupr(self) -> float:
        """Area under precision over recall by the trapezoid, from the point (recall 0, precision 1)."""
        if not self.has_both:
            return float("nan")
        recall = np.concatenate(([0.0], self.true_positives / self.positives))
        precision = np.concatenate(([1.0], self._precision()))
        return float(np.sum(np.diff(recall) * (precision[1:] + precision[:-1])) / 2.0)

    def fpr_at_first_recall(self, level: float = RECALL_LEVEL) -> float:
        """FPR at the first threshold whose recall reaches `level`."""
        if not self.has_both:
            return float("nan")
        index = int(np.searchsorted(self.true_positives / self.positives, level, side="left"))
        return float(self.false_positives[index] / self.negatives)

    def fpr_at_nearest_recall(self, level: float = RECALL_LEVEL) -> float:
        """FPR at the recall nearest to `level`, which may lie below it.

        Of equally near points the one with the higher recall, then the lower threshold, is taken.

        Source: hendrycks/anomaly-seg, its `fpr_and_fdr_at_recall`.
        """
        if not self.has_both:
            return float("nan")
        last = int(np.searchsorted(self.true_positives, self.positives, side="left"))
        distance = np.abs(self.true_positives[: last + 1] / self.positives - level)
        index = last - int(np.argmin(distance[::-1]))
        return float(self.false_positives[index] / self.negatives)

    def fpr_above_recall(self, level: float = RECALL_LEVEL) -> float:
        """FPR at the first threshold whose recall is above `level`.

        Source: RbA and DenseHybrid walk the curve to the first TPR > 0.95.
        """
        if not self.has_both:
            return float("nan")
        index = int(np.searchsorted(self.true_positives / self.positives, level, side="right"))
        return float(self.false_positives[index] / self.negatives)

    def fpr_interpolated(self, level: float = RECALL_LEVEL) -> float:
        """FPR at `level` on straight lines between the curve's points, from the origin.

        Where recall stays at `level` over several points, the last of them counts.

        Source: tayden/ood-metrics, `interp(0.95, tpr, fpr)`.
        """
        if not self.has_both:
            return float("nan")
        tpr = np.concatenate(([0.0], self.true_positives / self.positives))
        fpr = np.concatenate(([0.0], self.false_positives / self.negatives))
        after = int(np.searchsorted(tpr, level, side="right"))
        step = (level - tpr[after - 1]) / (tpr[after] - tpr[after - 1])
        return float(fpr[after - 1] + step * (fpr[after] - fpr[after - 1]))

    def _precision(self) -> NDArray[np.float64]:
        precision: NDArray[np.float64] = self.true_positives / (self.true_positives + self.false_positives)
        return precision


def ranking_curve(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> RankingCurve:
    """The curve of a score map and its anomaly map of equal shape; void pixels do not count.

    Keys and flags are sorted as one u64 each, which numpy does several times faster than an argsort.

    >>> curve = ranking_curve(np.float32([0.9, 0.7, 0.6, 0.1]), np.uint8([1, 0, 1, 0]))
    >>> curve.auroc(), round(curve.average_precision(), 3)
    (0.75, 0.833)

    Raises:
        DetectorError: shapes differ, or scores are not finite float32.
    """
    keys, flags = counted(scores, anomaly)
    packed = (keys.astype(np.uint64) << np.uint64(1)) | flags
    packed.sort()
    packed = packed[::-1]
    ends = np.flatnonzero(np.diff(packed >> np.uint64(1)))
    ends = np.append(ends, packed.size - 1) if packed.size else ends
    true_positives = np.cumsum(packed & np.uint64(1), dtype=np.int64)[ends]
    return RankingCurve(true_positives, ends.astype(np.int64) + 1 - true_positives)

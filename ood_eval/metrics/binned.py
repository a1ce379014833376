"""Numbers read off counts by bin of score, with brackets that hold the exact ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ood_eval.metrics.curve import RECALL_LEVEL, RankingCurve
from ood_eval.metrics.keys import scores_of_keys


@dataclass(frozen=True, slots=True)
class Bracket:
    """A value with bounds that provably contain the exact one."""

    value: float
    low: float
    high: float


class BinnedRanking(ABC):
    """Counts of known and anomalous pixels per bin, a bin being the top `bits` bits of a score's order key.

    Unordered pairs inside a bin are all that is not known, which bounds every number.

    Source: the project's own method; `Bracket` derivations stand with each function.
    """

    bits: int

    @abstractmethod
    def update(self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> None:
        """Counts a score map and its anomaly map of equal shape; void pixels do not count.

        Raises:
            DetectorError: shapes differ, or scores are not finite float32.
        """

    @abstractmethod
    def merge(self, other: BinnedRanking) -> None:
        """Adds the counts of another ranking of the same kind.

        Raises:
            ConfigError: the other is of another kind.
        """

    @abstractmethod
    def sparse(self) -> NDArray[np.int64]:
        """The occupied bins in ascending order as rows (bin, known, anomalous), [M,3] i64."""

    @abstractmethod
    def add_sparse(self, rows: NDArray[np.int64]) -> None:
        """Adds rows of `sparse` of another ranking of the same number of bits."""

    def pixels(self) -> int:
        """How many were counted."""
        return int(self.sparse()[:, 1:].sum())

    def edges(self) -> NDArray[np.float32]:
        """Lowest score of each occupied bin, from the highest bin down, [M] f32."""
        bins = self.sparse()[::-1, 0].astype(np.uint32)
        return scores_of_keys(bins << np.uint32(32 - self.bits))

    def curve(self) -> RankingCurve:
        """The curve with each bin taken as one tie, from the highest bin down."""
        rows = self.sparse()[::-1]
        return RankingCurve(np.cumsum(rows[:, 2]), np.cumsum(rows[:, 1]))

    def auroc(self) -> Bracket:
        """AUROC: within a bin, no pair or every pair may be in order; the value takes half."""
        curve = self.curve()
        if not curve.has_both:
            return _undefined()
        rows = self.sparse()
        half = float(np.sum(rows[:, 1].astype(float) * rows[:, 2])) / (2.0 * curve.positives * curve.negatives)
        value = curve.auroc()
        return Bracket(value, max(value - half, 0.0), min(value + half, 1.0))

    def average_precision(self) -> Bracket:
        """AP: the value takes each bin as one tie.

        A positive's term is the precision where its tie ends. With TP, FP counted above the bin and p, n inside it,
        that is at most (TP+p)/(TP+FP+p). For the j-th positive it is at least (TP+j)/(A+j), A = TP+FP+n; these sum
        to p - (FP+n) sum 1/(A+j), and by convexity sum 1/(A+j) <= log((A+p+1/2)/(A+1/2)).
        """
        curve = self.curve()
        if not curve.has_both:
            return _undefined()
        rows = self.sparse()[::-1].astype(float)
        n, p = rows[:, 1], rows[:, 2]
        above_tp, above_fp = np.cumsum(p) - p, np.cumsum(n) - n
        hit = p > 0
        n, p, above_tp, above_fp = n[hit], p[hit], above_tp[hit], above_fp[hit]
        high = np.sum(p * (above_tp + p) / (above_tp + above_fp + p)) / curve.positives
        total = above_tp + above_fp + n
        low = np.sum(np.maximum(p - (above_fp + n) * np.log1p(p / (total + 0.5)), 0.0)) / curve.positives
        return _bracket(curve.average_precision(), float(low), float(high))

    def trapezoid_aupr(self) -> Bracket:
        """Area under precision over recall by the trapezoid.

        With TP, FP counted above a bin and p, n inside it, the precision after x of its positives is at most
        h(x) = (TP+x)/(TP+FP+x) and at least g(x) = (TP+x)/(A+x), A = TP+FP+n. Both are concave, so chords over any
        subdivision sum to at least g's one chord p (g(0)+g(p))/2, and at most h's integral
        p - FP log((TP+FP+p)/(TP+FP)).
        """
        curve = self.curve()
        if not curve.has_both:
            return _undefined()
        rows = self.sparse()[::-1].astype(float)
        n, p = rows[:, 1], rows[:, 2]
        above_tp, above_fp = np.cumsum(p) - p, np.cumsum(n) - n
        hit = p > 0
        n, p, above_tp, above_fp = n[hit], p[hit], above_tp[hit], above_fp[hit]
        total = above_tp + above_fp + n
        # Where nothing lies above and no known pixel inside, precision is 1 throughout.
        start = np.where(total > 0, above_tp / np.maximum(total, 1.0), 1.0)
        low = np.sum(p * (start + (above_tp + p) / (total + p))) / (2.0 * curve.positives)
        before = np.maximum(above_tp + above_fp, 1.0)
        high = np.sum(p - above_fp * np.log1p(p / before)) / curve.positives
        return _bracket(curve.trapezoid_aupr(), float(low), float(high))

    def fpr_at_first_recall(self, level: float = RECALL_LEVEL) -> Bracket:
        """FPR at the first recall of at least `level`: between the edges of the bin where it is reached."""
        curve = self.curve()
        if not curve.has_both:
            return _undefined()
        index = int(np.searchsorted(curve.true_positives / curve.positives, level, side="left"))
        return _between(curve, index, curve.fpr_at_first_recall(level))

    def fpr_above_recall(self, level: float = RECALL_LEVEL) -> Bracket:
        """FPR at the first recall above `level`: between the edges of the bin where it is passed."""
        curve = self.curve()
        if not curve.has_both:
            return _undefined()
        index = int(np.searchsorted(curve.true_positives / curve.positives, level, side="right"))
        return _between(curve, index, curve.fpr_above_recall(level))

    def fpr_interpolated(self, level: float = RECALL_LEVEL) -> Bracket:
        """FPR interpolated at `level`.

        The exact curve's points on either side of `level` lie between the edges of the bin where it is passed, for
        these edges are points of the exact curve too; FPR does not fall between them.
        """
        curve = self.curve()
        if not curve.has_both:
            return _undefined()
        index = int(np.searchsorted(curve.true_positives / curve.positives, level, side="right"))
        return _between(curve, index, curve.fpr_interpolated(level))


def _between(curve: RankingCurve, index: int, value: float) -> Bracket:
    """A value between the FPR before and after bin `index` of a curve."""
    before = int(curve.false_positives[index - 1]) if index else 0
    return Bracket(value, before / curve.negatives, float(curve.false_positives[index] / curve.negatives))


def _bracket(value: float, low: float, high: float) -> Bracket:
    """A bracket in 0..1 that rounding cannot push off its own value."""
    return Bracket(value, max(min(low, value), 0.0), min(max(high, value), 1.0))


def _undefined() -> Bracket:
    return Bracket(float("nan"), float("nan"), float("nan"))

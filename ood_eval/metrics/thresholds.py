"""Operating points: the threshold of the best F1 and of 95 % recall, and what they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ood_eval.metrics.binned import BinnedRanking
from ood_eval.metrics.curve import RECALL_LEVEL


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Pixels with score >= `threshold` are called anomalous; what that gives over a whole set."""

    threshold: float
    precision: float
    recall: float
    fpr: float
    f1: float


def best_f1_point(histogram: BinnedRanking) -> OperatingPoint | None:
    """The bin edge with the highest F1 = 2 TP / (2 TP + FP + FN), of equal ones the highest; None without both classes.

    Source: SMIYC (Chan et al. 2021), whose thresholds are lower bin edges too.
    """
    curve = histogram.curve()
    if not curve.has_both:
        return None
    f1 = 2.0 * curve.true_positives / (curve.true_positives + curve.false_positives + curve.positives)
    return _point(histogram, int(np.argmax(f1)))


def recall_point(histogram: BinnedRanking, level: float = RECALL_LEVEL) -> OperatingPoint | None:
    """The highest bin edge whose recall reaches `level`; None without both classes."""
    curve = histogram.curve()
    if not curve.has_both:
        return None
    return _point(histogram, int(np.searchsorted(curve.true_positives / curve.positives, level, side="left")))


def above_recall_point(histogram: BinnedRanking, level: float = RECALL_LEVEL) -> OperatingPoint | None:
    """The highest bin edge whose recall is above `level`; None without both classes.

    Source: DenseHybrid (Grcic et al. 2022) thresholds its open-set confusion so.
    """
    curve = histogram.curve()
    if not curve.has_both:
        return None
    return _point(histogram, int(np.searchsorted(curve.true_positives / curve.positives, level, side="right")))


def _point(histogram: BinnedRanking, index: int) -> OperatingPoint:
    curve = histogram.curve()
    hits, false = int(curve.true_positives[index]), int(curve.false_positives[index])
    return OperatingPoint(
        float(histogram.edges()[index]),
        hits / (hits + false),
        hits / curve.positives,
        false / curve.negatives,
        2 * hits / (hits + false + curve.positives),
    )

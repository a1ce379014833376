"""ROC, precision-recall and score distributions of a pooled ranking, thinned to what a plot can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.metrics.binned import BinnedRanking

_POINTS: Final = 400
_BINS: Final = 80


@dataclass(frozen=True, slots=True)
class Curves:
    """One detector's curves over all pixels of a set; lists, so that they are JSON.

    Args:
        fpr: and `tpr`, the ROC curve.
        tpr: see `fpr`.
        recall: and `precision`, the precision-recall curve.
        precision: see `recall`.
        edges: of the score bins, one more than there are bins.
        known: share of all known pixels in each bin.
        anomalous: share of all anomalous pixels in each bin.
    """

    fpr: list[float]
    tpr: list[float]
    recall: list[float]
    precision: list[float]
    edges: list[float]
    known: list[float]
    anomalous: list[float]


def curves_of(histogram: BinnedRanking) -> Curves | None:
    """The curves of a histogram; None when it lacks known or anomalous pixels."""
    curve = histogram.curve()
    if not curve.has_both:
        return None
    tpr = np.concatenate(([0.0], curve.true_positives / curve.positives))
    fpr = np.concatenate(([0.0], curve.false_positives / curve.negatives))
    hits = curve.true_positives > 0
    recall = tpr[1:][hits]
    precision = (curve.true_positives / (curve.true_positives + curve.false_positives))[hits]
    roc, pr = _thinned(fpr, tpr), _thinned(recall, precision)
    edges, known, anomalous = _distributions(histogram)
    return Curves(*(part.tolist() for part in (fpr[roc], tpr[roc], recall[pr], precision[pr], edges, known, anomalous)))


def _thinned(*axes: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices of points spread evenly along the length of a curve."""
    length = np.cumsum(np.sum([np.abs(np.diff(axis, prepend=axis[0])) for axis in axes], axis=0))
    places = np.searchsorted(length, np.linspace(0.0, length[-1], _POINTS))
    return np.unique(np.concatenate(([0], np.minimum(places, length.size - 1), [length.size - 1])))


def _distributions(histogram: BinnedRanking) -> tuple[NDArray[np.float64], ...]:
    """Shares of pixels in even bins between the scores that 0.1 % of all pixels lie beyond on either side."""
    rows = histogram.sparse()
    scores = histogram.edges()[::-1].astype(float)
    weight = np.cumsum(rows[:, 1] + rows[:, 2]) / (rows[:, 1] + rows[:, 2]).sum()
    first, last = (min(int(np.searchsorted(weight, share)), scores.size - 1) for share in (0.001, 0.999))
    low, high = float(scores[first]), float(scores[last])
    edges = np.linspace(low, high if high > low else low + 1.0, _BINS + 1)
    inside = np.clip(scores, edges[0], edges[-1])
    shares = [np.histogram(inside, edges, weights=rows[:, column] / rows[:, column].sum())[0] for column in (1, 2)]
    return edges, shares[0], shares[1]

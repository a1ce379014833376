"""Component metrics of SMIYC: how many anomalies are found as objects, and how many found objects are anomalies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, VOID
from ood_eval.errors import DetectorError
from ood_eval.metrics.protocol import Arrays, Metric, Number

# The thresholds 0.25, 0.30, ..., 0.75, in twentieths, so that ties are decided in whole numbers.
_TWENTIETHS: Final = np.arange(5, 16)
_SHOWN: Final = {"f1_25": 0, "f1_50": 5, "f1_75": 10}


COMPONENT_METRICS: Final = (
    Metric("siou", "sIoU ↑"),
    Metric("ppv", "PPV ↑"),
    Metric("f1_star", "F1* ↑"),
    Metric("f1_25", "F1 at 25 % ↑"),
    Metric("f1_50", "F1 at 50 % ↑"),
    Metric("f1_75", "F1 at 75 % ↑"),
)


@dataclass(frozen=True, slots=True)
class Track:
    """Components below these sizes do not count; a true one becomes void."""

    predicted_px: int
    truth_px: int


# Source: the configurations of SegEval in the SMIYC tool.
TRACKS: Final[dict[str, Track]] = {"anomaly": Track(500, 100), "obstacle": Track(50, 10)}


class Components:
    """sIoU of true components, PPV of predicted ones, and F1 at eleven thresholds; a commutative monoid over images.

    For a true component k and the union P of the predicted components that touch it,
    sIoU(k) = |k and P| / (|k| + |P| - |k and P| - |A|), A the pixels of P in other true components;
    PPV(p) = |p and all truth| / |p|. At tau, TP counts sIoU >= tau, FN sIoU < tau, FP PPV < tau, summed over images;
    F1 = 2 TP / (2 TP + FN + FP), F1* its mean over tau. Components are 8-connected.

    Source: Chan et al. 2021 (https://arxiv.org/abs/2104.14812) section 3.3 and its tool's `SegEval`, whose comparison
    with tau is >= where the paper's is >.

    Args:
        track: size limits.
    """

    def __init__(self, track: Track) -> None:
        self.track = track
        self._hits: NDArray[np.int64] = np.zeros((3, _TWENTIETHS.size), dtype=np.int64)
        self._sums: NDArray[np.float64] = np.zeros(2)
        self._counts: NDArray[np.int64] = np.zeros(4, dtype=np.int64)

    def update(self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8], threshold: float) -> None:
        """Counts one image, whose pixels with score > `threshold` are called anomalous.

        Raises:
            DetectorError: shapes differ.
        """
        if scores.shape != anomaly.shape:
            raise DetectorError(f"a score map of shape {scores.shape} for an anomaly map of shape {anomaly.shape}")
        table = _overlaps((scores > threshold) & (anomaly != VOID), anomaly, self.track)
        truth_px, predicted_px = table[1:].sum(axis=1), table[:, 1:].sum(axis=0)
        inside = table[1:, 1:]
        touches = inside > 0
        common = inside.sum(axis=1)
        others = (touches * (inside.sum(axis=0) - inside)).sum(axis=1)
        union = truth_px + (touches * predicted_px).sum(axis=1) - common - others
        right = inside.sum(axis=0)
        found = 20 * common[:, None] >= _TWENTIETHS * union[:, None]
        wrong = 20 * right[:, None] < _TWENTIETHS * predicted_px[:, None]
        self._hits += np.stack([found.sum(axis=0), (~found).sum(axis=0), wrong.sum(axis=0)])
        self._sums += (float((common / union).sum()), float((right / predicted_px).sum()))
        self._counts += (truth_px.size, predicted_px.size, 1, int(np.count_nonzero(anomaly != VOID)))

    def merge(self, other: Components) -> None:
        """Adds the images of another instance of the same track."""
        self.add_state(other.state())

    def state(self) -> Arrays:
        """Everything counted, as plain arrays."""
        return {"hits": self._hits.copy(), "sums": self._sums.copy(), "counts": self._counts.copy()}

    def add_state(self, arrays: Arrays) -> None:
        """Adds what `state` of another instance gave."""
        self._hits += arrays["hits"].astype(np.int64)
        self._sums += arrays["sums"]
        self._counts += arrays["counts"].astype(np.int64)

    def compute(self) -> list[Number]:
        """Mean sIoU, mean PPV, F1* and three of its F1; a mean over no component, and F1 without any, is NaN."""
        truths, predictions, images, pixels = (int(value) for value in self._counts)
        hit, missed, wrong = self._hits
        below = 2 * hit + missed + wrong
        f1 = 2 * hit / np.maximum(below, 1) if truths + predictions else np.full(hit.size, np.nan)
        values = {
            "siou": float(self._sums[0]) / truths if truths else float("nan"),
            "ppv": float(self._sums[1]) / predictions if predictions else float("nan"),
            "f1_star": float(f1.mean()),
        } | {name: float(f1[place]) for name, place in _SHOWN.items()}
        return [Number(name, value, value, value, images, pixels, 0) for name, value in values.items()]


def _overlaps(called: NDArray[np.bool_], anomaly: NDArray[np.uint8], track: Track) -> NDArray[np.int64]:
    """Common pixels [G+1,P+1] of true and predicted components, row and column 0 for none.

    Predicted components are formed, and the small ones dropped, before small true ones turn void and take their pixels
    out of them.
    """
    predicted, _ = _components(called, track.predicted_px)
    truth, small = _components(anomaly == ANOMALY, track.truth_px)
    counted = (anomaly != VOID) & ~small
    truth, predicted = truth[counted], predicted[counted]
    columns = int(predicted.max(initial=0)) + 1
    rows = int(truth.max(initial=0)) + 1
    table = np.bincount(truth * columns + predicted, minlength=rows * columns).reshape(rows, columns)
    left = np.concatenate(([True], table[:, 1:].sum(axis=0) > 0))
    kept: NDArray[np.int64] = table[:, left]
    return kept


def _components(mask: NDArray[np.bool_], least_px: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Component numbers [H,W] i64 from 1 of a mask, and the pixels of those below `least_px`, which get none."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    sizes = np.bincount(labels.reshape(-1))
    large = sizes >= least_px
    large[0] = False
    number = np.where(large, np.cumsum(large), 0)
    numbers: NDArray[np.int64] = number[labels]
    return numbers, mask & (numbers == 0)

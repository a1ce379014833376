"""Open-set mIoU of a detector from kept score maps, each town under the threshold of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ood_eval.metrics.histogram import ScoreHistogram
from ood_eval.metrics.open_set import OpenConfusion, open_miou
from ood_eval.metrics.protocol import Number
from ood_eval.metrics.thresholds import OperatingPoint, above_recall_point
from ood_eval.tasks.task import KeptMaps


def open_number(maps: KeptMaps, towns: Sequence[str], detector: str, classes: int) -> Number:
    """Open-mIoU of the segmenter with a detector: each town's threshold is found on the other towns, at half size.

    NaN with fewer than two towns, or where the others lack anomalies.

    Source: DenseHybrid (Grcic et al. 2022, https://arxiv.org/abs/2207.02606) and its evaluation on StreetHazards.

    Args:
        maps: of every image.
        towns: of each image, in order.
        detector: its label.
        classes: known ones.
    """
    halved = {town: ScoreHistogram() for town in dict.fromkeys(towns)}
    for index, town in enumerate(towns):
        scores, anomaly = maps.load(index, f"score|{detector}", "anomaly")
        halved[town].update(*_half(scores.astype(np.float32), anomaly.astype(np.uint8)))
    points = {town: _point_of_others(halved, town) for town in halved}
    del halved
    counted = {town: OpenConfusion(classes) for town in points}
    pixels = 0
    for index, town in enumerate(towns):
        point = points[town]
        if point is None or "classes" not in maps.names(index):
            return Number("open_miou", float("nan"), float("nan"), float("nan"), 0, 0, len(towns))
        scores, anomaly, truth, predicted = maps.load(index, f"score|{detector}", "anomaly", "classes", "predicted")
        counted[town].update(
            predicted.astype(np.int64),
            scores.astype(np.float32) >= point.threshold,
            truth.astype(np.uint8),
            anomaly.astype(np.uint8),
        )
        pixels += anomaly.size
    value = open_miou(list(counted.values()))
    return Number("open_miou", value, value, value, len(towns), pixels, 0)


def _point_of_others(histograms: Mapping[str, ScoreHistogram], town: str) -> OperatingPoint | None:
    others = ScoreHistogram()
    for name, histogram in histograms.items():
        if name != town:
            others.merge(histogram)
    return above_recall_point(others)


def _half(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Scores averaged, labels taken, at half of both sides."""
    labels = np.ascontiguousarray(anomaly[::2, ::2])
    size = (labels.shape[1], labels.shape[0])
    return cv2.resize(scores, size, interpolation=cv2.INTER_LINEAR).astype(np.float32), labels

"""Metrics whose threshold is known only after the last image: components and open-set mIoU, from kept score maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ood_eval.engine.score_maps import ScoreMaps
from ood_eval.metrics import (
    Components,
    Number,
    OpenConfusion,
    OperatingPoint,
    ScoreHistogram,
    Track,
    above_recall_point,
    open_miou,
)


def component_numbers(
    maps: ScoreMaps, images: int, points: Mapping[str, OperatingPoint | None], track: Track
) -> dict[str, list[Number]]:
    """SMIYC's component numbers of each detector at its own threshold; none for a detector without one.

    Args:
        maps: of every image.
        images: how many.
        points: best-F1 points by detector.
        track: size limits.
    """
    counted = {label: Components(track) for label, point in points.items() if point is not None}
    for index in range(images):
        (anomaly,) = maps.load(index, "anomaly")
        for label, components in counted.items():
            point, (scores,) = points[label], maps.load(index, f"score|{label}")
            if point is not None and scores is not None and anomaly is not None:
                components.update(scores.astype(np.float32), anomaly.astype(np.uint8), point.threshold)
    return {label: components.compute() for label, components in counted.items()}


def open_number(maps: ScoreMaps, towns: Sequence[str], detector: str, classes: int) -> Number:
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
        if scores is not None and anomaly is not None:
            halved[town].update(*_half(scores.astype(np.float32), anomaly.astype(np.uint8)))
    points = {town: _point_of_others(halved, town) for town in halved}
    del halved
    counted = {town: OpenConfusion(classes) for town in points}
    pixels = 0
    for index, town in enumerate(towns):
        point = points[town]
        scores, anomaly, truth, predicted = maps.load(index, f"score|{detector}", "anomaly", "classes", "predicted")
        if point is None or scores is None or anomaly is None or truth is None or predicted is None:
            return Number("open_miou", float("nan"), float("nan"), float("nan"), 0, 0, len(towns))
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

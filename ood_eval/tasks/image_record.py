"""What is kept of each image: its numbers under every detector, and what is known of it; a line of JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID
from ood_eval.metrics.curve import RankingCurve
from ood_eval.store import line_of

METRICS = ("auroc", "aupr", "fpr95")


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """One anomalous object: what is known of it, and the AUROC of its pixels against the image's known ones."""

    attributes: dict[str, Any]
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a split.

    Args:
        index: place in the split.
        id: of the sample.
        height: in pixels.
        width: in pixels.
        known: number of known pixels.
        anomalous: number of anomalous pixels.
        void: number of pixels that do not count.
        attributes: town, weather and the like; empty where the set knows nothing.
        objects: anomalous objects; empty where the set does not tell them apart.
        values: auroc, aupr (AP) and fpr95 (first recall) by detector, None where the image lacks a class.
        gallery: whether its score maps are kept.
    """

    index: int
    id: str
    height: int
    width: int
    known: int
    anomalous: int
    void: int
    attributes: dict[str, Any]
    objects: tuple[ObjectRecord, ...]
    values: dict[str, dict[str, float | None]]
    gallery: bool = False

    def line(self) -> str:
        """The record as one line of JSON."""
        return line_of(self)


def image_values(curve: RankingCurve) -> dict[str, float | None]:
    """AUROC, AP and FPR at the first recall of 95 % of one image."""
    numbers = (curve.auroc(), curve.average_precision(), curve.fpr_at_first_recall())
    return {name: None if math.isnan(value) else value for name, value in zip(METRICS, numbers, strict=True)}


def object_aurocs(
    scores: NDArray[np.float32], anomaly: NDArray[np.uint8], objects: Mapping[int, NDArray[np.bool_]]
) -> dict[int, float | None]:
    """AUROC of each object's pixels against the known pixels of its image, by the object's key; ties count half.

    Args:
        scores: [H,W].
        anomaly: [H,W].
        objects: masks [H,W]; only their anomalous pixels count.
    """
    known = np.sort(scores[anomaly == KNOWN])
    found: dict[int, float | None] = {}
    for key, mask in objects.items():
        own = scores[mask & (anomaly == ANOMALY)]
        below = np.searchsorted(known, own, side="left") + np.searchsorted(known, own, side="right")
        found[key] = float(below.mean() / (2 * known.size)) if own.size and known.size else None
    return found


def pixel_counts(anomaly: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Numbers of known, anomalous and void pixels."""
    known, anomalous, void = (int(np.count_nonzero(anomaly == kind)) for kind in (KNOWN, ANOMALY, VOID))
    return known, anomalous, void

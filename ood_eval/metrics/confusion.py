"""Segmentation quality from one confusion matrix pooled over a whole split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import VOID
from ood_eval.errors import DataError


class Confusion:
    """Counts of (true class, predicted class) over every pixel that is not void; a commutative monoid."""

    def __init__(self, classes: int) -> None:
        self.counts: NDArray[np.int64] = np.zeros((classes, classes), dtype=np.int64)

    def update(self, predicted: NDArray[np.integer], classes: NDArray[np.uint8]) -> None:
        """Counts a predicted map and a true map of equal shape; true 255 does not count.

        Raises:
            DataError: a true class is outside the table.
        """
        known = classes != VOID
        true = classes[known].astype(np.int64)
        size = self.counts.shape[0]
        if true.size and int(true.max()) >= size:
            raise DataError(f"class {int(true.max())} in a label map, but the segmenter knows {size} classes")
        flat = np.bincount(true * size + predicted[known], minlength=size * size)
        self.counts += flat.reshape(size, size)

    def merge(self, other: Confusion) -> None:
        """Adds another matrix of the same size."""
        self.counts += other.counts

    def iou(self) -> NDArray[np.float64]:
        """Intersection over union per class, [K]; NaN where the class does not occur in the truth."""
        hits = np.diag(self.counts).astype(float)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - hits
        occurs = self.counts.sum(axis=1) > 0
        result: NDArray[np.float64] = np.where(occurs, hits / np.maximum(union, 1.0), np.nan)
        return result

    def mean_iou(self) -> float:
        """Mean of `iou` over the classes that occur; NaN when none does."""
        return self.mean_iou_of(range(self.counts.shape[0]))

    def mean_iou_of(self, classes: Sequence[int]) -> float:
        """Mean of `iou` over those of `classes` that occur; NaN when none does."""
        values = self.iou()[list(classes)]
        present = values[~np.isnan(values)]
        return float(present.mean()) if present.size else float("nan")

    def mean_iou_of_table(self, classes: int | None = None) -> float:
        """Mean over the first so many classes, or all, one that does not occur counting 0; NaN when nothing is counted.

        Source: hendrycks/anomaly-seg prints this; StreetHazards' test split has no pedestrian.
        """
        return float(np.nan_to_num(self.iou()[:classes]).mean()) if self.counts.any() else float("nan")

    def accuracy(self) -> float:
        """Share of counted pixels whose class is right; NaN when none is counted."""
        total = int(self.counts.sum())
        return float(np.trace(self.counts) / total) if total else float("nan")

"""Open-set mIoU: segmentation quality when flagged pixels leave their class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, VOID
from ood_eval.errors import DataError

OPEN: Final = "open"
OPEN_WORDS: Final = "intersection over union of the known classes with flagged pixels taken as unknown (open-mIoU)"


class OpenConfusion:
    """Counts of (truth, prediction) with one more class, "anomaly", on both sides.

    Source: DenseHybrid (Grcic et al. 2022, https://arxiv.org/abs/2207.02606) section 5.2, open-mIoU.

    Args:
        classes: known ones.
    """

    def __init__(self, classes: int) -> None:
        self.counts: NDArray[np.int64] = np.zeros((classes + 1, classes + 1), dtype=np.int64)
        self.images = 0

    def update(
        self,
        predicted: NDArray[np.integer],
        flagged: NDArray[np.bool_],
        classes: NDArray[np.uint8],
        anomaly: NDArray[np.uint8],
    ) -> None:
        """Counts one image.

        Args:
            predicted: [H,W] class of each pixel.
            flagged: [H,W] whether a detector calls the pixel anomalous.
            classes: [H,W] u8 true classes, 255 void.
            anomaly: [H,W] u8; where it is 1 the truth is "anomaly" whatever `classes` says.

        Raises:
            DataError: a class is not one of the known ones.
        """
        extra = self.counts.shape[0] - 1
        strange = anomaly == ANOMALY
        counted = strange | ((classes != VOID) & (anomaly != VOID))
        known = classes[counted & ~strange]
        if known.size and int(known.max()) >= extra:
            raise DataError(f"class {int(known.max())} is not one of the {extra} known ones")
        truth = np.where(strange, extra, classes.astype(np.int64))
        given = np.where(flagged, extra, predicted.astype(np.int64))
        flat = truth[counted] * (extra + 1) + given[counted]
        self.counts += np.bincount(flat, minlength=self.counts.size).reshape(self.counts.shape)
        self.images += 1

    def mean_iou(self) -> float:
        """Mean IoU over known classes; flagged known pixels are misses, unflagged anomalies false positives.

        A class that neither occurs nor is predicted is left out; NaN when all are.
        """
        hits = np.diag(self.counts).astype(float)[:-1]
        union = (self.counts.sum(axis=0) + self.counts.sum(axis=1))[:-1] - hits
        seen = union > 0
        return float((hits[seen] / union[seen]).mean()) if seen.any() else float("nan")


def open_miou(towns: Sequence[OpenConfusion]) -> float:
    """Mean of the towns' open-mIoU, weighted by their numbers of images; NaN where one is undefined or there is none.

    Each town must have been counted with a threshold from the others.

    Source: DenseHybrid's evaluation on StreetHazards, where a threshold at the first TPR > 0.95 of one town is applied
    to the other.
    """
    images = sum(town.images for town in towns)
    return sum(town.mean_iou() * town.images for town in towns) / images if images else float("nan")

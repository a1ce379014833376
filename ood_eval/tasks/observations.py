"""What is read of one image, of its segmentation, and of a detector's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import Sample
from ood_eval.metrics.curve import RankingCurve
from ood_eval.tasks.image_record import ImageRecord, ObjectRecord, image_values, object_aurocs, pixel_counts


@dataclass(frozen=True, slots=True)
class PixelItem:
    """A sample with its anomaly map [H,W] u8, what its set knows of it, and its anomalous objects as masks [H,W]."""

    index: int
    sample: Sample
    anomaly: NDArray[np.uint8]
    attributes: dict[str, Any]
    objects: tuple[dict[str, Any], ...]
    masks: dict[int, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Segmented:
    """An item with the classes [H,W] i64 that the network sees in it, and the true ones [H,W] u8 where they count."""

    item: PixelItem
    predicted: NDArray[np.int64]
    truth: NDArray[np.uint8] | None

    def facts(self) -> str:
        """What is known of the image whatever detector scores it, as a line of JSON."""
        item = self.item
        height, width = item.anomaly.shape
        known, anomalous, void = pixel_counts(item.anomaly)
        objects = tuple(ObjectRecord(one, {}) for one in item.objects)
        record = ImageRecord(
            item.index, item.sample.id, height, width, known, anomalous, void, item.attributes, objects, {}
        )
        return record.line()


@dataclass(frozen=True, slots=True)
class Scored:
    """An item with a detector's scores [H,W] f32 and the exact curve of its pixels that are not void."""

    item: PixelItem
    scores: NDArray[np.float32]
    curve: RankingCurve

    def values(self) -> dict[str, float | None]:
        """The image's own numbers."""
        return image_values(self.curve)

    def object_values(self) -> list[float | None]:
        """The AUROC of each object's pixels against the image's known ones."""
        found = object_aurocs(self.scores, self.item.anomaly, self.item.masks)
        return [found[int(one["instance"])] for one in self.item.objects]

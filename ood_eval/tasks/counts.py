"""What is counted of images whatever the protocols: the segmenter and the labels, and each image's own numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.metrics.confusion import Confusion
from ood_eval.tasks.image_record import METRICS
from ood_eval.tasks.observations import Scored, Segmented

States = Mapping[str, NDArray[Any]]


class FactsCount:
    """Confusion of classes, pixels, and a line of JSON for each image, whatever detector scores it."""

    def __init__(self, classes: int) -> None:
        self.confusion = Confusion(classes)
        self.images = self.pixels = self.dropped = 0
        self.seconds = 0.0
        self.lines: dict[int, str] = {}

    @classmethod
    def of(cls, arrays: States) -> FactsCount:
        """The count whose `state` this is."""
        made = cls(arrays["confusion"].shape[0])
        made.add_state(arrays)
        return made

    def update(self, observed: Segmented, seconds: float) -> None:
        """Counts an image's pixels, and its predicted classes against the true ones."""
        item = observed.item
        known = np.isin(item.anomaly, (0, 1))
        self.images += 1
        self.pixels += item.anomaly.size
        self.dropped += item.anomaly.size - int(np.count_nonzero(known))
        self.seconds += seconds
        if observed.truth is not None:
            self.confusion.update(observed.predicted, observed.truth)
        self.lines[item.index] = observed.facts()

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything counted."""
        return {
            "confusion": self.confusion.counts.copy(),
            "totals": np.array([self.images, self.pixels, self.dropped]),
            "seconds": np.array([self.seconds]),
            "index": np.array(list(self.lines), dtype=np.int64),
            "lines": np.frombuffer("\n".join(self.lines.values()).encode(), dtype=np.uint8),
        }

    def add_state(self, arrays: States) -> None:
        """Adds what `state` of another instance gave."""
        self.confusion.counts += arrays["confusion"]
        images, pixels, dropped = (int(value) for value in arrays["totals"])
        self.images, self.pixels, self.dropped = self.images + images, self.pixels + pixels, self.dropped + dropped
        self.seconds += float(arrays["seconds"][0])
        lines = arrays["lines"].tobytes().decode().split("\n") if arrays["index"].size else []
        self.lines.update(zip(arrays["index"].tolist(), lines, strict=True))


class ImagesCount:
    """Each image's own numbers under one detector, and those of its objects; 24 bytes an image, 8 an object."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._values: dict[int, tuple[list[float], list[float]]] = {}

    @classmethod
    def of(cls, arrays: States) -> ImagesCount:
        """The count whose `state` this is."""
        made = cls()
        made.add_state(arrays)
        return made

    def update(self, observed: Scored, seconds: float) -> None:
        """Keeps the numbers of an image."""
        self.seconds += seconds
        values = observed.values()
        numbers = [_nan(values[metric]) for metric in METRICS]
        self._values[observed.item.index] = numbers, [_nan(value) for value in observed.object_values()]

    def at(self, index: int) -> tuple[dict[str, float | None], list[float | None]]:
        """The numbers of an image by metric, and the AUROC of each of its objects."""
        numbers, objects = self._values[index]
        return dict(zip(METRICS, map(_none, numbers), strict=True)), list(map(_none, objects))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything kept."""
        kept = self._values.values()
        return {
            "seconds": np.array([self.seconds]),
            "index": np.array(list(self._values), dtype=np.int64),
            "values": np.array([numbers for numbers, _ in kept], dtype=np.float64).reshape(-1, len(METRICS)),
            "counts": np.array([len(objects) for _, objects in kept], dtype=np.int64),
            "objects": np.array([value for _, objects in kept for value in objects], dtype=np.float64),
        }

    def add_state(self, arrays: States) -> None:
        """Adds what `state` of another instance gave."""
        self.seconds += float(arrays["seconds"][0])
        objects = np.split(arrays["objects"], np.cumsum(arrays["counts"])[:-1]) if arrays["counts"].size else []
        for index, numbers, theirs in zip(arrays["index"].tolist(), arrays["values"].tolist(), objects, strict=True):
            self._values[index] = numbers, theirs.tolist()


class NothingCount:
    """Of a measure that is read off the kept score maps alone."""

    def update(self, observed: Scored, seconds: float) -> None:
        """Counts nothing."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Nothing."""
        return {}

    def add_state(self, arrays: States) -> None:
        """Adds nothing."""


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value

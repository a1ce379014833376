"""Test images kept with their truth and scores, for a report to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ood_eval.arrays import read_arrays, write_arrays
from ood_eval.errors import ResultError


@dataclass(frozen=True, slots=True)
class GalleryFrame:
    """An image [h,w,3] u8, anomaly map [h,w] u8, predicted classes [h,w] u8 and scores [h,w] f32 by detector."""

    id: str
    image: NDArray[np.uint8]
    anomaly: NDArray[np.uint8]
    predicted: NDArray[np.uint8]
    scores: dict[str, NDArray[np.float32]]


def gallery_indices(count: int, wanted: int) -> list[int]:
    """Which of `count` images are kept: `wanted` of them, evenly spread."""
    if count == 0 or wanted < 1:
        return []
    return sorted({int(place) for place in np.linspace(0, count - 1, min(wanted, count)).round()})


class Gallery:
    """Chooses frames of a split: a third evenly spread, a third of worst false alarms, a third of misses.

    What is chosen depends on the images alone, not on the order in which they are offered.

    Args:
        total: images of the split.
        wanted: frames.
    """

    def __init__(self, total: int, wanted: int) -> None:
        self._share = max(wanted, 0) // 3
        self._even = set(gallery_indices(total, wanted - 2 * self._share))
        self._alarms: list[tuple[float, int]] = []
        self._misses: list[tuple[float, int]] = []

    @property
    def chosen(self) -> frozenset[int]:
        """Indices of the frames chosen so far."""
        return frozenset(self._even | {index for _, index in (*self._alarms, *self._misses)})

    def offer(self, index: int, alarm: float | None, hit: float | None) -> bool:
        """Whether an image is chosen so far.

        Args:
            index: of the image.
            alarm: its FPR95, None where undefined.
            hit: its AUPR, None where undefined.
        """
        if self._share and alarm is not None and hit is not None:
            self._alarms = sorted([*self._alarms, (-alarm, index)])[: self._share]
            self._misses = sorted([*self._misses, (hit, index)])[: self._share]
        return index in self.chosen


def write_frame(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Keeps a frame: id, image, anomaly, predicted, and `score|<detector>`.

    Raises:
        ResultError: the folder cannot be written.
    """
    write_arrays(path, arrays)


def load_frame(path: Path) -> GalleryFrame:
    """A frame that `write_frame` wrote.

    Raises:
        ResultError: the file is damaged.
    """
    arrays = read_arrays(path)
    scores = {name.removeprefix("score|"): value for name, value in arrays.items() if name.startswith("score|")}
    try:
        return GalleryFrame(str(arrays["id"]), arrays["image"], arrays["anomaly"], arrays["predicted"], scores)
    except KeyError as error:
        raise ResultError(f"{path}: damaged; delete this file and run again") from error

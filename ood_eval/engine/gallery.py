"""Test images kept with their truth and scores, for a report to show."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import Sample
from ood_eval.errors import ResultError
from ood_eval.files import write_bytes

_WIDEST_PX: Final = 640


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
    """Chooses frames while a split is scored: a third evenly spread, a third of worst false alarms, a third of misses.

    Never more than the wanted number of frames, and the few that are about to be replaced, is on disk. What is chosen
    depends on the images alone, so a broken run that offers again what it has scored ends with the same frames.

    Args:
        folder: where frames go.
        total: images of the split.
        wanted: frames.
    """

    def __init__(self, folder: Path, total: int, wanted: int) -> None:
        self._folder, self._share = folder, max(wanted, 0) // 3
        self._even = set(gallery_indices(total, wanted - 2 * self._share))
        self._alarms: list[tuple[float, int]] = []
        self._misses: list[tuple[float, int]] = []

    def path(self, index: int) -> Path:
        """The file of a frame."""
        return self._folder / f"{index:08d}.npz"

    @property
    def chosen(self) -> set[int]:
        """Indices of the frames chosen so far."""
        return self._even | {index for _, index in (*self._alarms, *self._misses)}

    def offer(self, index: int, alarm: float | None, hit: float | None) -> bool:
        """Whether an image is chosen; frames that it displaces are deleted.

        Args:
            index: of the image.
            alarm: its FPR95, None where undefined.
            hit: its AUPR, None where undefined.
        """
        before = self.chosen
        if self._share and alarm is not None and hit is not None:
            self._alarms = sorted([*self._alarms, (-alarm, index)])[: self._share]
            self._misses = sorted([*self._misses, (hit, index)])[: self._share]
        for displaced in before - self.chosen:
            self.path(displaced).unlink(missing_ok=True)
        return index in self.chosen

    def settle(self) -> None:
        """Deletes frames of an earlier, broken run that were displaced since."""
        for path in self._folder.glob("*.npz"):
            if int(path.stem) not in self.chosen:
                path.unlink()


def save_frame(
    path: Path,
    sample: Sample,
    anomaly: NDArray[np.uint8],
    predicted: NDArray[np.int64],
    scores: Mapping[str, NDArray[np.float32]],
) -> None:
    """Keeps a frame, thinned to at most 640 px of width.

    Raises:
        ResultError: the folder cannot be written.
    """
    step = -(-sample.image.shape[1] // _WIDEST_PX)
    thin = (slice(None, None, step), slice(None, None, step))
    arrays = {f"score|{name}": score[thin] for name, score in scores.items()}
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        allow_pickle=False,
        id=np.array(sample.id),
        image=sample.image[thin],
        anomaly=anomaly[thin],
        predicted=predicted[thin].astype(np.uint8),
        **arrays,
    )
    write_bytes(path, stream.getvalue())


def load_frame(path: Path) -> GalleryFrame:
    """A frame that `save_frame` wrote.

    Raises:
        ResultError: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            scores = {name.removeprefix("score|"): arrays[name] for name in arrays.files if name.startswith("score|")}
            return GalleryFrame(str(arrays["id"]), arrays["image"], arrays["anomaly"], arrays["predicted"], scores)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ResultError(f"{path}: damaged; delete it and run again") from error

"""One pass over a benchmark: each image is forwarded once, and every detector with something to count scores it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.sample import SegDataset
from ood_eval.detectors import Detector
from ood_eval.detectors.guard import guarded_scores
from ood_eval.engine.cells import Cell
from ood_eval.engine.scoring_size import ScoringSize
from ood_eval.engine.shards import ShardStore
from ood_eval.errors import DetectorError
from ood_eval.networks import Prediction, Segmenter, images_from_rgb
from ood_eval.networks.averaged import resized
from ood_eval.networks.prediction import resized_maps
from ood_eval.tasks import Count, Task
from ood_eval.tasks.gallery import Gallery
from ood_eval.tasks.image_arrays import ImageArrays
from ood_eval.tasks.task import FACTS, IMAGES

# A kill loses at most so much work. Images are dealt out to several devices in runs of a few.
SHARD_SECONDS: Final = 25.0
_DEALT: Final = 4


@dataclass(frozen=True, slots=True)
class Instruments:
    """What scores: a segmenter in evaluation mode, ready detectors by label, and how its classes are the set's.

    `size` is that at which both see images.
    """

    segmenter: Segmenter
    detectors: Mapping[str, Detector]
    classes: ClassMap
    size: ScoringSize = ScoringSize()  # noqa: RUF009

    def predict(self, item: Any) -> Prediction:  # noqa: ANN401
        """What the network says of an item's image, at the size that images are scored at."""
        images = images_from_rgb(item.sample.image).to(self.segmenter.mean.device)
        return Prediction.of(self.segmenter, resized(images, self.size.factor(*images.shape[2:])))

    def scores(self, label: str, prediction: Prediction, item: Any) -> NDArray[np.float32]:  # noqa: ANN401
        """A detector's scores of one image, [*S] f32; maps at the size of the image, whatever size it was scored at.

        Raises:
            DetectorError: the detector cannot score, or its scores break the contract; the message names it and the
                image.
        """
        found = guarded_scores(self.detectors[label], label, prediction, item.sample.id)
        size = item.sample.image.shape[:2]
        if not prediction.is_map or prediction.size == size:
            return found
        back: NDArray[np.float32] = resized_maps(torch.from_numpy(found)[None, None], size)[0, 0].numpy()
        return back


@dataclass(frozen=True, slots=True)
class Pass:
    """What is still to be counted of a split.

    Args:
        task: what a sample is.
        split: the samples.
        lacking: indices by cell.
        shards: where counts go.
        maps: where whole score maps go, for measures that need them after the last image.
        frames: where images that a report may show go.
        gallery: how many of them are wanted; 0 where not all detectors are scored in this pass.
    """

    task: Task
    split: SegDataset
    lacking: Mapping[Cell, frozenset[int]]
    shards: ShardStore
    maps: ImageArrays
    frames: ImageArrays
    gallery: int

    def score(self, instruments: Instruments, part: tuple[int, int] = (0, 1)) -> None:
        """Counts every lacking image, in shards of some seconds of work.

        Args:
            instruments: with a detector for each label that lacks anything.
            part: (k, n) counts every n-th run of images from the k-th on, and leaves the others to other calls.

        Raises:
            DataError: a sample is damaged or lacks its labels.
            DetectorError: a detector breaks its contract.
            ResultError: the folder cannot be written.
        """
        wanted = sorted(frozenset().union(*self.lacking.values()))
        mine = [index for place, index in enumerate(wanted) if place // _DEALT % part[1] == part[0]]
        gallery = Gallery(len(self.split), self.gallery)
        counts: dict[Cell, Count] = {}
        done: list[int] = []
        started = time.monotonic()
        title = f"scoring {self.split.name}" + (f" {part[0] + 1}/{part[1]}" if part[1] > 1 else "")
        with tqdm(total=len(mine), desc=title, unit="image", mininterval=pause(), position=part[0]) as bar:
            for index in mine:
                cells = [cell for cell, indices in self.lacking.items() if index in indices]
                if done and (time.monotonic() - started > SHARD_SECONDS or set(cells) != counts.keys()):
                    self.shards.save(done, counts)
                    counts, done, started = {}, [], time.monotonic()
                if not done:
                    classes = len(instruments.classes.names)
                    counts = {cell: self.task.count(cell.measure, classes) for cell in cells}
                self._count(index, counts, instruments, gallery)
                done.append(index)
                bar.update()
        if done:
            self.shards.save(done, counts)

    def _count(self, index: int, counts: Mapping[Cell, Count], instruments: Instruments, gallery: Gallery) -> None:
        item = self.task.item(self.split, index)
        started = time.perf_counter()
        prediction = instruments.predict(item)
        segmented = self.task.segmented(item, prediction, instruments.classes)
        seconds = time.perf_counter() - started
        labels = dict.fromkeys(cell.label for cell in counts if cell.measure != FACTS)
        scores: dict[str, NDArray[np.float32]] = {}
        found: dict[str, Any] = {}
        for label in labels:
            started = time.perf_counter()
            scores[label] = instruments.scores(label, prediction, item)
            spent = time.perf_counter() - started
            try:
                found[label] = self.task.scored(item, scores[label])
                for cell, count in counts.items():
                    if cell.label == label:
                        count.update(found[label], spent)
            except DetectorError as error:
                raise DetectorError(f"{label} on {item.sample.id}: {error}") from error
        for cell, count in counts.items():
            if cell.measure == FACTS:
                count.update(segmented, seconds)
        # Kept under their scorers, so that maps of earlier code are never taken for those of today's.
        scorers = {cell.label: cell.scorer for cell in counts if cell.measure != FACTS}
        kept = {cell.label for cell in counts if self.task.keeps_maps(cell.measure)}
        if kept:
            self.maps.save(index, self.task.maps(item, segmented, {scorers[label]: scores[label] for label in kept}))
        judged = [found[label] for label in judges({label: instruments.detectors[label] for label in found})]
        complete = {cell.label for cell in counts if cell.measure == IMAGES} == labels.keys()
        if self.gallery and complete and gallery.offer(index, *self.task.failure(judged)):
            shown = {scorers[label]: score for label, score in scores.items()}
            self.frames.save(index, self.task.frame(item, segmented, shown))


def judges(detectors: Mapping[str, Detector]) -> list[str]:
    """The detectors by whose failures images are chosen: all but baselines; these, where there is nothing else."""
    return [label for label, detector in detectors.items() if not detector.baseline] or list(detectors)


def pause() -> float:
    """Seconds between two updates of a progress bar."""
    return 0.2 if sys.stderr.isatty() else 15.0

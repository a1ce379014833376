"""Python in a few lines: a segmenter from anywhere, score maps of images, a benchmark whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.build import build_dataset
from ood_eval.benchmarks.roots import require_root
from ood_eval.datasets import Sample, SegDataset, samples
from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.pictures import Pictures
from ood_eval.detectors import DETECTORS, Detector, build_detector, detector_label
from ood_eval.engine.campaign import Campaign, scored_split
from ood_eval.engine.evaluation import checked_device
from ood_eval.engine.fitness import relabelled, suited
from ood_eval.engine.fitting import observe
from ood_eval.engine.row import Row
from ood_eval.engine.score_export import UnlabelledItem
from ood_eval.engine.scoring import Instruments
from ood_eval.engine.scoring_size import ScoringSize
from ood_eval.engine.suite import DetectorSpec, load_suite
from ood_eval.errors import DetectorError
from ood_eval.networks import Held, Segmenter, load_segmenter
from ood_eval.report.result import read_results
from ood_eval.report.write import write_report

__all__ = ["Evaluated", "ScoreMaps", "evaluate", "load_segmenter", "score"]

Picture = str | Path | NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ScoreMaps:
    """What detectors say of one image.

    Args:
        id: of the sample; of a file its place below the folder without the ending, of an array its number.
        image: [H,W,3] u8 RGB.
        scores: by detector, [H,W] f32, larger = more anomalous.
    """

    id: str
    image: NDArray[np.uint8]
    scores: Mapping[str, NDArray[np.float32]]

    def __getitem__(self, detector: str) -> NDArray[np.float32]:
        return self.scores[detector]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A finished evaluation.

    Args:
        rows: every number, with where it comes from.
        report: its page, index.html.
        out: the folder that holds all of it.
    """

    rows: tuple[Row, ...]
    report: Path
    out: Path

    def value(self, detector: str, metric: str, protocol: str | None = None) -> float:
        """A number in 0..1, of the first row that it fits.

        Raises:
            KeyError: there is no such row.
        """
        for row in self.rows:
            if (row.detector, row.metric) == (detector, metric) and protocol in {None, row.protocol}:
                return row.value
        raise KeyError((detector, metric, protocol))


def score(
    segmenter: Segmenter,
    images: Picture | Iterable[Picture] | SegDataset,
    detectors: Sequence[str] = ("msp", "maxlogit"),
    *,
    fit_on: SegDataset | None = None,
    size: str = "training",
    device: str = "cpu",
) -> Iterator[ScoreMaps]:
    """Score maps of images, one image in memory at a time.

    Args:
        segmenter: from `load_segmenter`.
        images: the name of a benchmark whose scored split is found here; a split; a file or a folder of images; an
            array [H,W,3] u8 RGB; or several files and arrays.
        detectors: as the command line names them, also with options and steps: `energy(temperature=2)+blur(7,1)`.
        fit_on: a split for detectors that must see data first.
        size: at which images are scored: training, native or WxH, as `--size` of the command line; maps return to the
            image's.
        device: as torch names it.

    Yields:
        The maps of each image in order.

    Raises:
        ConfigError: the size is none.
        DetectorError: a detector is unknown, cannot read this network, or lacks data to be fitted on.
        DataError: there are no such images, or one is damaged.
        NetworkError: the network fails on an image.
    """
    segmenter = segmenter.to(checked_device(device))
    ready, classes = _ready(segmenter, detectors, fit_on), ClassMap(segmenter.class_names, (), ())
    instruments = Instruments(segmenter, ready, classes, ScoringSize.of(size, segmenter.trained_px))
    for sample in _samples(images):
        item = UnlabelledItem(sample)
        prediction = instruments.predict(item)
        maps = {label: instruments.scores(label, prediction, item) for label in ready}
        yield ScoreMaps(sample.id, sample.image, maps)


def evaluate(
    segmenter: Segmenter,
    benchmark: str,
    *,
    out: str | Path,
    detectors: Sequence[str] = (),
    protocols: Sequence[str] = (),
    root: str | Path | None = None,
    data: str | Path | None = None,
    limit: int | None = None,
    class_map: Mapping[str, Any] | None = None,
    size: str | None = None,
    device: str = "cpu",
) -> Evaluated:
    """Runs a benchmark, or a suite of several, as `ood_eval run` does, and draws the report.

    What is in `out` already is not scored again, as long as network, detectors and data are the same.

    Args:
        segmenter: from `load_segmenter`.
        benchmark: its name, or that of a suite, or the path of a suite's YAML file.
        out: folder of the results.
        detectors: those of the suite that can be used, if not given; of a benchmark, of the first suite that it is in.
        protocols: those of the suite, if not given.
        root: folder of the benchmark; where `ood_eval data where` finds it, if not given.
        data: folder of the suite's training set, for detectors that must see data first.
        limit: score the first so many images only.
        class_map: by name of the network's class the name of the set's, for class metrics; equal names meet, if not
            given.
        size: at which images are scored: training, native or WxH; the suite's (training), if not given.
        device: as torch names it.

    Raises:
        ConfigError: a name is unknown, or the size is none.
        DetectorError: a detector that was asked for cannot be used.
        DataError: the set is not here, or is damaged.
        ResultError: the folder cannot be written, or another run uses it.
    """
    suite = load_suite(benchmark if root is None else f"{benchmark}={root}")
    if detectors:
        suite = suite.with_detectors(detectors)
    if protocols:
        suite = dataclasses.replace(suite, protocols=tuple(protocols))
    if size is not None:
        suite = dataclasses.replace(suite, size=size)
    folder = Campaign(
        suite,
        None if data is None else Path(data),
        lambda *_: Held(segmenter),
        seeds=(None,),
        limit_test=limit,
        devices=(device,),
        insist=bool(detectors),
        class_map=class_map,
    ).run(Path(out))
    results = read_results(folder)
    report = write_report(results, folder / "report").with_name("index.html")
    return Evaluated(tuple(row for result in results for row in result.rows), report, folder)


def _ready(segmenter: Segmenter, names: Sequence[str], fit_on: SegDataset | None) -> dict[str, Detector]:
    """Detectors by label, fitted."""
    specs = tuple(map(DetectorSpec, names))
    splits = {} if fit_on is None else relabelled({"training": fit_on, "validation": fit_on}, segmenter, None)
    suited(specs, segmenter, splits, insist=True)
    found = {detector_label(name, {}): build_detector(name, {}, DETECTORS) for name in names}
    for label, detector in found.items():
        if detector.trained_part is not None:
            raise DetectorError(f"{label}: trains a network of its own, for which there is `evaluate`")
    waiting = {label: detector for label, detector in found.items() if detector.fit_split is not None}
    if waiting and fit_on is not None:
        observe(waiting, segmenter, splits["training"])
    return found


def _samples(images: Picture | Iterable[Picture] | SegDataset) -> Iterator[Sample]:
    """Each image, with whatever is known of it."""
    if isinstance(images, str) and images in BENCHMARKS:
        images = build_dataset(images, require_root(images), scored_split(images))
    if hasattr(images, "class_names") and hasattr(images, "files"):
        yield from samples(cast("SegDataset", images))
        return
    is_one = isinstance(images, (str, Path)) or (isinstance(images, np.ndarray) and images.ndim == 3)
    for number, image in enumerate([cast("Picture", images)] if is_one else cast("Iterable[Picture]", images)):
        if isinstance(image, np.ndarray):
            yield Sample(str(number), image.copy(), None, None)
        else:
            yield from samples(Pictures(Path(image)))

"""One pass over a benchmark: each image is forwarded once, and every detector scores it."""

from __future__ import annotations

import dataclasses
import io
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ood_eval.benchmarks.generated import Generated
from ood_eval.datasets import First, attributes_of
from ood_eval.datasets.sample import Sample, SegDataset, samples
from ood_eval.detectors import Detector
from ood_eval.engine.gallery import Gallery, save_frame
from ood_eval.engine.image_record import (
    ImageRecord,
    ObjectRecord,
    image_values,
    object_aurocs,
    pixel_counts,
    read_records,
    write_records,
)
from ood_eval.engine.score_maps import ScoreMaps
from ood_eval.engine.suite import Suite
from ood_eval.engine.tally import Tally
from ood_eval.errors import CheckpointError, ConfigError, DataError
from ood_eval.files import write_bytes
from ood_eval.networks import Prediction, Segmenter, images_from_rgb

_SHARD: Final = 32


def fit_detectors(
    detectors: Mapping[str, Detector],
    segmenter: Segmenter,
    splits: Mapping[str, SegDataset],
    states: Mapping[str, Path],
) -> None:
    """Lets every detector that must see data see its split, in one pass per split; what each finds is kept.

    Args:
        detectors: by label; fitted in place.
        segmenter: in evaluation mode.
        splits: by the name that `Detector.fit_split` gives.
        states: the file of each such detector's state, by label; one that exists is loaded.

    Raises:
        ConfigError: a split is not at hand.
    """
    for name in sorted({d.fit_split for d in detectors.values() if d.fit_split is not None}):
        waiting = {label: detector for label, detector in detectors.items() if detector.fit_split == name}
        for label in [label for label in waiting if states[label].is_file()]:
            waiting.pop(label).restore(torch.load(states[label], weights_only=True))
        if not waiting:
            continue
        if name not in splits:
            raise ConfigError(f"{', '.join(waiting)}: must see a {name} split, which the data set has not")
        for sample in _bar(splits[name], f"fitting on {name}"):
            if sample.classes is None:
                raise DataError(f"sample {sample.id} has no class labels")
            prediction = _predict(segmenter, sample)
            labels = torch.from_numpy(sample.classes.copy())[None].to(prediction.logits.device)
            for detector in waiting.values():
                detector.observe(prediction, labels)
        for label, detector in waiting.items():
            detector.finish()
            stream = io.BytesIO()
            torch.save(detector.state(), stream)
            write_bytes(states[label], stream.getvalue())


def evaluate(
    suite: Suite,
    detectors: Mapping[str, Detector],
    segmenter: Segmenter,
    split: SegDataset,
    folder: Path,
    maps: ScoreMaps | None = None,
    part: tuple[int, int] = (0, 1),
) -> list[Path]:
    """Counts a split under every protocol, in stored shards of 32 images, so that a broken run continues.

    Args:
        suite: protocols and size of the gallery.
        detectors: by label, ready to score.
        segmenter: in evaluation mode.
        split: with anomaly labels.
        folder: of this evaluation; shards go below `shards` (counts in .npz, image records in .jsonl), kept images
            below `gallery`.
        maps: where whole score maps are kept for a second look, if one is needed.
        part: (k, n) scores every n-th shard from the k-th on, and leaves it to another call to put all together.

    Returns:
        The shards' .npz files, in order.

    Raises:
        DataError: a sample is damaged or has no anomaly labels.
        DetectorError: a detector breaks its contract.
        ResultError: the folder cannot be written.
    """
    gallery = Gallery(folder / "gallery", len(split), suite.gallery)
    starts = range(part[0] * _SHARD, len(split), part[1] * _SHARD)
    paths = [folder / "shards" / f"{start:08d}.npz" for start in starts]
    sizes = {path: min(_SHARD, len(split) - start) for start, path in zip(starts, paths, strict=True)}
    done = sum(size for path, size in sizes.items() if path.is_file())
    title = f"scoring {split.name}" + (f" {part[0] + 1}/{part[1]}" if part[1] > 1 else "")
    with tqdm(
        total=sum(sizes.values()), initial=done, desc=title, unit="image", mininterval=_pause(), position=part[0]
    ) as bar:
        for start, path in zip(starts, paths, strict=True):
            if path.is_file():
                for record in read_records(path.with_suffix(".jsonl")):
                    gallery.offer(record.index, *failure_of(record))
                continue
            tally = Tally(list(detectors), suite.protocols, len(segmenter.class_names))
            records = []
            for index in range(start, min(start + _SHARD, len(split))):
                records.append(_score_image(split, index, detectors, segmenter, tally, gallery, maps))
                bar.update()
            write_records(path.with_suffix(".jsonl"), records)
            tally.save(path)
    if part[1] > 1:
        return paths
    gallery.settle()
    write_records(
        folder / "images.jsonl",
        (
            dataclasses.replace(record, gallery=record.index in gallery.chosen)
            for record in read_records(*(path.with_suffix(".jsonl") for path in paths))
        ),
    )
    return paths


def failure_of(record: ImageRecord) -> tuple[float | None, float | None]:
    """Mean FPR95 and mean AUPR over detectors, None where the image lacks a class."""
    found = []
    for metric in ("fpr95", "aupr"):
        values = [numbers[metric] for numbers in record.values.values()]
        real = [value for value in values if value is not None]
        found.append(sum(real) / len(real) if real else None)
    return found[0], found[1]


def _score_image(
    split: SegDataset,
    index: int,
    detectors: Mapping[str, Detector],
    segmenter: Segmenter,
    tally: Tally,
    gallery: Gallery,
    maps: ScoreMaps | None,
) -> ImageRecord:
    sample = split[index]
    if sample.anomaly is None:
        raise DataError(f"sample {sample.id} has no anomaly labels; score a test split")
    started = time.perf_counter()
    prediction = _predict(segmenter, sample)
    predicted = prediction.top[1][0].cpu().numpy()
    tally.seconds["forward"] += time.perf_counter() - started
    tally.add_image(sample, sample.anomaly, predicted)
    scores: dict[str, NDArray[np.float32]] = {}
    values: dict[str, dict[str, float | None]] = {}
    for label, detector in detectors.items():
        started = time.perf_counter()
        scores[label] = detector.score(prediction)[0].cpu().numpy()
        tally.seconds[label] += time.perf_counter() - started
        values[label] = image_values(tally.add_scores(label, scores[label], sample.anomaly))
    attributes = dict(attributes_of(split, index))
    told = attributes.pop("anomalies", [])
    objects = _objects(split, index, told, sample.anomaly, scores)
    height, width = sample.anomaly.shape
    known, anomalous, void = pixel_counts(sample.anomaly)
    record = ImageRecord(index, sample.id, height, width, known, anomalous, void, attributes, objects, values)
    if gallery.offer(index, *failure_of(record)):
        save_frame(gallery.path(index), sample, sample.anomaly, predicted, scores)
    if maps is not None:
        maps.save(index, sample, predicted, scores)
    return record


def _objects(
    split: SegDataset,
    index: int,
    told: Sequence[Mapping[str, Any]],
    anomaly: NDArray[np.uint8],
    scores: Mapping[str, NDArray[np.float32]],
) -> tuple[ObjectRecord, ...]:
    """The anomalous objects of an image of a set that tells them apart."""
    whole = split.whole if isinstance(split, First) else split
    if not told or not isinstance(whole, Generated):
        return ()
    instances = whole.instances(index)
    masks = {int(one["instance"]): instances == one["instance"] for one in told}
    found = {label: object_aurocs(score, anomaly, masks) for label, score in scores.items()}
    return tuple(
        ObjectRecord(dict(one), {label: values[int(one["instance"])] for label, values in found.items()})
        for one in told
    )


def check_classes(segmenter: Segmenter, split: SegDataset) -> None:
    """Refuses a segmenter that was trained on other classes than the split has; a split without classes takes any.

    Raises:
        CheckpointError: the class names differ.
    """
    if split.class_names and segmenter.class_names != split.class_names:
        raise CheckpointError(
            f"the checkpoint knows {len(segmenter.class_names)} classes ({', '.join(segmenter.class_names[:3])}, ...) "
            f"but {split.name} has {len(split.class_names)} ({', '.join(split.class_names[:3])}, ...)"
        )


def _predict(segmenter: Segmenter, sample: Sample) -> Prediction:
    return Prediction.of(segmenter, images_from_rgb(sample.image).to(segmenter.mean.device))


def _bar(split: SegDataset, title: str) -> tqdm[Sample]:
    return tqdm(samples(split), total=len(split), desc=title, unit="image", mininterval=_pause())


def _pause() -> float:
    return 0.2 if sys.stderr.isatty() else 15.0

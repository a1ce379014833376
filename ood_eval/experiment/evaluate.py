"""One pass over a benchmark: each image is forwarded once, and every detector scores it."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ood_eval.data.sample import Sample, SegDataset, samples
from ood_eval.detectors import Detector
from ood_eval.errors import CheckpointError, ConfigError, DataError
from ood_eval.experiment.gallery import gallery_indices, save_frame
from ood_eval.experiment.shard import Tally
from ood_eval.experiment.suite import Suite
from ood_eval.files import write_bytes
from ood_eval.models import Forward, Segmenter, images_from_rgb

_SHARD: Final = 32


def fit_detectors(
    detectors: Mapping[str, Detector],
    segmenter: Segmenter,
    splits: Mapping[str, SegDataset],
    folder: Path,
) -> None:
    """Lets every detector that must see data see its split, in one pass per split; what they find is kept.

    Args:
        detectors: by label; fitted in place.
        segmenter: in evaluation mode.
        splits: by the name that `Detector.fit_split` gives.
        folder: where the detectors' states are kept.

    Raises:
        ConfigError: a split is not at hand.
    """
    for name in sorted({d.fit_split for d in detectors.values() if d.fit_split is not None}):
        waiting = {label: detector for label, detector in detectors.items() if detector.fit_split == name}
        path = folder / f"fitted-{name}.pt"
        if path.is_file():
            _restore(waiting, path)
            continue
        if name not in splits:
            raise ConfigError(f"{', '.join(waiting)}: must see a {name} split, which the data set has not")
        for sample in _bar(splits[name], f"fitting on {name}"):
            if sample.classes is None:
                raise DataError(f"sample {sample.id} has no class labels")
            forward = _forward(segmenter, sample)
            labels = torch.from_numpy(sample.classes.copy())[None].to(forward.images.device)
            for detector in waiting.values():
                detector.observe(forward, labels)
        for detector in waiting.values():
            detector.finish()
        _keep(waiting, path)


def evaluate(
    suite: Suite, detectors: Mapping[str, Detector], segmenter: Segmenter, split: SegDataset, folder: Path
) -> Tally:
    """Counts a split under every protocol, in stored shards of 32 images, so that a broken run continues.

    Args:
        suite: protocols and size of the gallery.
        detectors: by label, ready to score.
        segmenter: in evaluation mode.
        split: with anomaly labels.
        folder: of this evaluation; shards go below `shards`, kept images below `gallery`.

    Raises:
        DataError: a sample is damaged or has no anomaly labels.
        DetectorError: a detector breaks its contract.
        ResultError: the folder cannot be written.
    """
    total = Tally(list(detectors), suite.protocols, len(segmenter.class_names))
    kept = set(gallery_indices(len(split), suite.gallery))
    starts = range(0, len(split), _SHARD)
    paths = [folder / "shards" / f"{start:08d}.npz" for start in starts]
    done = sum(min(_SHARD, len(split) - start) for start, path in zip(starts, paths, strict=True) if path.is_file())
    with tqdm(total=len(split), initial=done, desc="scoring", unit="image", mininterval=_pause()) as bar:
        for start, path in zip(starts, paths, strict=True):
            if not path.is_file():
                tally = Tally(list(detectors), suite.protocols, len(segmenter.class_names))
                for index in range(start, min(start + _SHARD, len(split))):
                    frame = folder / "gallery" / f"{index:08d}.npz" if index in kept else None
                    _score_image(split[index], detectors, segmenter, tally, frame)
                    bar.update()
                tally.save(path)
            total.add_file(path)
    return total


def _score_image(
    sample: Sample, detectors: Mapping[str, Detector], segmenter: Segmenter, tally: Tally, frame: Path | None
) -> None:
    if sample.anomaly is None:
        raise DataError(f"sample {sample.id} has no anomaly labels; score a test split")
    started = time.perf_counter()
    forward = _forward(segmenter, sample)
    predicted = forward.top[1][0].cpu().numpy()
    tally.seconds["forward"] += time.perf_counter() - started
    tally.add_image(sample, sample.anomaly, predicted)
    shown: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = {}
    for label, detector in detectors.items():
        started = time.perf_counter()
        scores = detector.score(forward)[0].cpu().numpy()
        tally.seconds[label] += time.perf_counter() - started
        tally.add_scores(label, scores, sample.anomaly)
        if frame is not None:
            shown[label] = scores
    if frame is not None:
        save_frame(frame, sample, sample.anomaly, predicted, shown)


def check_classes(segmenter: Segmenter, split: SegDataset) -> None:
    """Refuses a segmenter that was trained on other classes than the split has.

    Raises:
        CheckpointError: the class names differ.
    """
    if segmenter.class_names != split.class_names:
        raise CheckpointError(
            f"the checkpoint knows {len(segmenter.class_names)} classes ({', '.join(segmenter.class_names[:3])}, ...) "
            f"but {split.name} has {len(split.class_names)} ({', '.join(split.class_names[:3])}, ...)"
        )


def _forward(segmenter: Segmenter, sample: Sample) -> Forward:
    return Forward(segmenter, images_from_rgb(sample.image).to(segmenter.mean.device))


def _bar(split: SegDataset, title: str) -> tqdm[Sample]:
    return tqdm(samples(split), total=len(split), desc=title, unit="image", mininterval=_pause())


def _pause() -> float:
    return 0.2 if sys.stderr.isatty() else 15.0


def _keep(detectors: Mapping[str, Detector], path: Path) -> None:
    stream = io.BytesIO()
    torch.save({label: detector.state() for label, detector in detectors.items()}, stream)
    write_bytes(path, stream.getvalue())


def _restore(detectors: Mapping[str, Detector], path: Path) -> None:
    states: dict[str, dict[str, Tensor]] = torch.load(path, weights_only=True)
    for label, detector in detectors.items():
        detector.restore(states[label])

"""Detectors that must see data first: one pass per split, and what each finds is kept."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ood_eval.datasets.sample import VOID, SegDataset, samples
from ood_eval.detectors import Detector
from ood_eval.detectors.guard import blamed, guarded_observe
from ood_eval.engine.scoring import pause
from ood_eval.errors import ConfigError, DataError, ResultError
from ood_eval.files import write_bytes
from ood_eval.networks import Prediction, Segmenter, images_from_rgb


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
        DataError: a sample is damaged or has no class labels.
        DetectorError: a detector cannot be fitted; the message names it and the image.
        ResultError: a kept state is damaged, or the folder cannot be written.
    """
    for name in sorted({d.fit_split for d in detectors.values() if d.fit_split is not None}):
        waiting = {label: detector for label, detector in detectors.items() if detector.fit_split == name}
        for label in [label for label in waiting if states[label].is_file()]:
            _restore(waiting.pop(label), states[label])
        if not waiting:
            continue
        if name not in splits:
            raise ConfigError(f"{', '.join(waiting)}: must see a {name} split, which the data set has not")
        observe(waiting, segmenter, splits[name])
        for label, detector in waiting.items():
            stream = io.BytesIO()
            with blamed(label, f"after fitting on {splits[name].name}"):
                torch.save(detector.state(), stream)
            write_bytes(states[label], stream.getvalue())


def observe(detectors: Mapping[str, Detector], segmenter: Segmenter, split: SegDataset) -> None:
    """Lets detectors see a split in one pass, and finishes them.

    Raises:
        DataError: a sample is damaged, or has no class labels and a detector reads them.
        DetectorError: a detector cannot be fitted; the message names it and the image.
    """
    read = any(detector.reads_labels for detector in detectors.values())
    bar = tqdm(samples(split), total=len(split), desc=f"fitting on {split.name}", unit="image", mininterval=pause())
    for sample in bar:
        if sample.classes is None and read:
            raise DataError(f"sample {sample.id} has no class labels")
        classes = np.full(sample.image.shape[:2], VOID, np.uint8) if sample.classes is None else sample.classes
        images = images_from_rgb(sample.image).to(segmenter.mean.device)
        prediction = Prediction.of(segmenter, images)
        labels = torch.from_numpy(classes.copy())[None].to(images.device)
        for label, detector in detectors.items():
            guarded_observe(detector, label, prediction, labels, sample.id)
    for label, detector in detectors.items():
        with blamed(label, f"after fitting on {split.name}"):
            detector.finish()


def _restore(detector: Detector, path: Path) -> None:
    try:
        detector.restore(torch.load(path, weights_only=True))
    except (
        OSError, RuntimeError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError,
        pickle.UnpicklingError,
    ) as error:  # fmt: skip
        raise ResultError(f"{path}: damaged; delete this file and run again") from error

"""A suite from data and checkpoint to rows, curves and a gallery on disk."""

from __future__ import annotations

import dataclasses
import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from ood_eval.data.fingerprint import dataset_hash, file_hash
from ood_eval.data.sample import SegDataset
from ood_eval.detectors import DETECTORS, Detector, build_detector
from ood_eval.errors import CheckpointError
from ood_eval.experiment.curves import curves_of
from ood_eval.experiment.evaluate import check_classes, evaluate, fit_detectors
from ood_eval.experiment.row import Provenance, Row, write_rows
from ood_eval.experiment.shard import Tally
from ood_eval.experiment.suite import Suite
from ood_eval.files import content_key, write_json
from ood_eval.metrics import Dataset
from ood_eval.models import load_segmenter

_LOG: Final = logging.getLogger(__name__)
_PACKAGES: Final = ("hazardsim", "torch", "lightning", "segmentation-models-pytorch", "timm", "numpy")
SEGMENTER: Final = "segmenter"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a suite is run on.

    Args:
        suite: detectors and protocols.
        checkpoint: of the segmenter.
        test: the scored split.
        fit_splits: what detectors may see first, by `Detector.fit_split`.
        policy: name of the label policy that the splits were made with.
        seed: of the training run, None where the checkpoint was given.
        device: as torch names it.
    """

    suite: Suite
    checkpoint: Path
    test: SegDataset
    fit_splits: Mapping[str, SegDataset]
    policy: str
    seed: int | None
    device: str = "cpu"

    def run(self, out: Path) -> Path:
        """Runs what is not yet done and returns the folder of the results, `out/evaluations/<key>`.

        The key is a hash of suite, policy, data and checkpoint: a finished evaluation answers at once, a broken one
        continues at its last 32 images.

        Raises:
            OodEvalError: any of its kinds, as data, checkpoint, detectors and disk give reason.
        """
        detectors = self._detectors()
        identity = self._identity(detectors)
        folder = out / "evaluations" / content_key(identity)
        if (folder / "rows.jsonl").is_file():
            _LOG.info("evaluation: already done, %s", folder)
        else:
            self._compute(detectors, identity, folder)
        write_json(out / "run.json", identity | {"evaluation": folder.name})
        return folder

    def _detectors(self) -> dict[str, Detector]:
        return {spec.label: build_detector(spec.name, spec.options, DETECTORS) for spec in self.suite.detectors}

    def _identity(self, detectors: Mapping[str, Detector]) -> dict[str, object]:
        needed = sorted({d.fit_split for d in detectors.values() if d.fit_split is not None} & set(self.fit_splits))
        return {
            "suite": dataclasses.asdict(self.suite),
            "policy": self.policy,
            "data": dataset_hash(self.test),
            "fitted_on": {name: dataset_hash(self.fit_splits[name]) for name in needed},
            "checkpoint": _checkpoint_hash(self.checkpoint),
            "seed": self.seed,
        }

    def _compute(self, detectors: Mapping[str, Detector], identity: Mapping[str, object], folder: Path) -> None:
        segmenter = load_segmenter(self.checkpoint).to(self.device)
        check_classes(segmenter, self.test)
        fit_detectors(detectors, segmenter, self.fit_splits, folder)
        tally = evaluate(self.suite, detectors, segmenter, self.test, folder)
        provenance = Provenance(
            config_hash=content_key({key: identity[key] for key in ("suite", "policy", "fitted_on")}),
            data_hash=str(identity["data"]),
            checkpoint_hash=str(identity["checkpoint"]),
            seed=self.seed,
            policy=self.policy,
            dropped_share=tally.dropped / tally.pixels,
            versions={name: version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        )
        write_json(folder / "curves.json", _curves(tally, list(detectors)))
        write_json(folder / "segmenter.json", _segmentation(tally, segmenter.class_names))
        write_rows(folder / "rows.jsonl", rows_of(tally, self.suite, list(detectors), provenance))


def rows_of(tally: Tally, suite: Suite, detectors: Sequence[str], provenance: Provenance) -> list[Row]:
    """Every number of a tally: detectors under their protocols, then the segmenter's own quality."""
    rows = [
        Row(
            suite.name, suite.benchmark, detector, protocol, number.metric, number.value, number.low, number.high,
            number.images, number.pixels, number.skipped, tally.seconds[detector], provenance,
        )
        for detector in detectors
        for protocol in suite.protocols
        for number in tally.rankings[detector, protocol].compute()
    ]  # fmt: skip
    counted = int(tally.confusion.counts.sum())
    for metric, value in (("miou", tally.confusion.mean_iou()), ("accuracy", tally.confusion.accuracy())):
        rows.append(
            Row(
                suite.name, suite.benchmark, SEGMENTER, "pooled", metric, value, value, value,
                tally.images, counted, 0, tally.seconds["forward"], provenance,
            )
        )  # fmt: skip
    return rows


def _curves(tally: Tally, detectors: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for detector in detectors:
        ranking = tally.rankings.get((detector, Dataset.name))
        curves = curves_of(ranking.histogram) if isinstance(ranking, Dataset) else None
        if curves is not None:
            found[detector] = dataclasses.asdict(curves)
    return found


def _segmentation(tally: Tally, names: Sequence[str]) -> dict[str, object]:
    iou = tally.confusion.iou()
    shares = tally.confusion.counts.sum(axis=1) / max(int(tally.confusion.counts.sum()), 1)
    return {
        name: {"iou": None if np.isnan(value) else float(value), "share": float(share)}
        for name, value, share in zip(names, iou, shares, strict=True)
    }


def _checkpoint_hash(path: Path) -> str:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`")
    return file_hash(path)

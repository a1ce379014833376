"""Score maps to files: every image once through the segmenter, a file for each detector."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from ood_eval.datasets.fingerprint import dataset_hash
from ood_eval.datasets.sample import SegDataset, identity_of, policy_of
from ood_eval.engine.evaluation import Evaluation
from ood_eval.engine.fitness import GivenClasses, classes_of, relabelled, suited
from ood_eval.engine.room import require_room
from ood_eval.engine.scoring import pause
from ood_eval.engine.suite import BenchmarkSpec, Suite
from ood_eval.errors import ConfigError, ResultError
from ood_eval.networks import Origin
from ood_eval.score_maps import FORMATS
from ood_eval.score_maps.folder import LIST, read_list, write_list, write_map

_LOG: Final = logging.getLogger(__name__)


def prepared(
    suite: Suite,
    benchmark: BenchmarkSpec,
    segmenter: Origin,
    test: SegDataset,
    splits: Mapping[str, SegDataset],
    device: str,
    *,
    insist: bool,
    given: GivenClasses | None = None,
) -> Evaluation:
    """What scores a split: the suite's detectors, as far as the segmenter suits them.

    Args:
        suite: detectors and size.
        benchmark: that the split is of.
        segmenter: where it comes from.
        test: the split.
        splits: that detectors may see first.
        device: as torch names it.
        insist: refuses to go on without one of the detectors, instead of leaving it out with a line.
        given: which class of a set each class of the segmenter is; by equal names, if not given.

    Raises:
        OodEvalError: the segmenter cannot be loaded, or no detector can be used.
    """
    network = segmenter.load()
    fitting = relabelled(splits, network, given)
    detectors, _ = suited(suite.detectors, network, fitting, insist=insist)
    suite = dataclasses.replace(suite, detectors=detectors, baselines=())
    classes = classes_of(test, network, given)
    return Evaluation(suite, benchmark, segmenter, test, fitting, policy_of(test), None, classes, (device,))


@dataclass(frozen=True, slots=True)
class UnlabelledItem:
    """What a detector needs of an image that nobody has labelled."""

    sample: Any


@dataclass(frozen=True, slots=True)
class ScoreExport:
    """The score maps of a split under one segmenter, as files.

    Args:
        evaluation: detectors, segmenter, split and size.
        format: name in `FORMATS`.
    """

    evaluation: Evaluation
    format: str

    def run(self, out: Path) -> Path:
        """Writes the maps that are missing or of other code, and `maps.json`, which says what they are.

        Raises:
            ConfigError: two detectors would share a folder.
            ResultError: the folder holds maps of something else, cannot be written, or the disk has too little room.
            OodEvalError: data, checkpoint or a detector cannot be used.
        """
        if loss := FORMATS[self.format].loss:
            _LOG.info("%s: %s", self.format, loss)
        one, folders = self.evaluation, {label: label.replace("/", "_") for label in self.evaluation.detectors}
        if len(set(folders.values())) < len(folders):
            raise ConfigError(f"detectors {', '.join(folders)}: two of them would share a folder of maps")
        self._write_list(out, folders)
        ids, suffix = [identity_of(one.test, index) for index in range(len(one.test))], FORMATS[self.format].suffix
        lacking = {
            index: [label for label, folder in folders.items() if not (out / folder / f"{name}{suffix}").is_file()]
            for index, name in enumerate(ids)
        }
        wanted = {label for labels in lacking.values() for label in labels}
        if not wanted:
            _LOG.info("%s: all %d score maps are there already", out, len(ids) * len(folders))
            return out
        self._require_room(out, sum(map(len, lacking.values())))
        instruments = one.instruments(wanted, out, one.devices[0])
        waiting = [index for index, labels in lacking.items() if labels]
        for index in tqdm(waiting, desc=f"scoring {one.test.name}", unit="image", mininterval=pause()):
            item = UnlabelledItem(one.test[index])
            prediction = instruments.predict(item)
            for label in lacking[index]:
                scores = instruments.scores(label, prediction, item)
                write_map(out / folders[label] / f"{ids[index]}{suffix}", self.format, scores)
        return out

    def _write_list(self, out: Path, folders: dict[str, str]) -> None:
        """Says what the maps are, and clears away those of the same detectors that are of something else."""
        one, before = self.evaluation, read_list(out)
        told: dict[str, Any] = {
            "format": self.format,
            "benchmark": one.benchmark.name,
            "root": None if one.benchmark.root is None else str(one.benchmark.root.absolute()),
            "policy": one.policy,
            "images": len(one.test),
            "data": dataset_hash(one.test),
            "size": one.size,
            "segmenter": one.segmenter.name,
            "checkpoint": one.segmenter.identity,
            "detectors": {label: {"folder": folder, "key": one.scores_key(label)} for label, folder in folders.items()},
        }
        if before is not None:
            for fact in ("format", "benchmark", "images", "data", "size", "checkpoint"):
                if before.get(fact) != told[fact]:
                    raise ResultError(
                        f"{out}: holds score maps with {fact} {before.get(fact)}, not {told[fact]}; give another --out"
                    )
            for label, known in before["detectors"].items():
                if label in folders and known.get("key") != told["detectors"][label]["key"]:
                    _LOG.info("%s: the maps of %s are of other code, and are made anew", out / LIST, label)
                    shutil.rmtree(out / folders[label], ignore_errors=True)
            told["detectors"] = before["detectors"] | told["detectors"]
        write_list(out, told)

    def _require_room(self, out: Path, maps: int) -> None:
        height, width = self.evaluation.test[0].image.shape[:2]
        needed = maps * height * width * FORMATS[self.format].bytes_a_score
        smallest = min(FORMATS, key=lambda name: FORMATS[name].bytes_a_score)
        advice = "choose fewer --detectors or --limit-test"
        if smallest != self.format:
            advice += f", or --format {smallest}"
        require_room(out, needed, f"{maps} score maps", advice)

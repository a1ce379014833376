"""One benchmark under one segmenter: scores and their histograms first, then numbers, on disk."""

from __future__ import annotations

import dataclasses
import logging
import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Final

import torch

from ood_eval.datasets.fingerprint import dataset_hash, file_hash
from ood_eval.datasets.sample import SegDataset
from ood_eval.detectors import DETECTORS, Detector, build_detector, trained_parts
from ood_eval.engine.aggregation import SEGMENTER, Aggregation
from ood_eval.engine.code import FITTING, code_identity
from ood_eval.engine.row import Provenance, write_rows
from ood_eval.engine.score_maps import ScoreMaps
from ood_eval.engine.scoring import check_classes, evaluate, fit_detectors
from ood_eval.engine.suite import BenchmarkSpec, Suite
from ood_eval.errors import CheckpointError, ConfigError, ResultError
from ood_eval.files import content_key, write_json
from ood_eval.networks import Segmenter, load_segmenter
from ood_eval.training import Machine, TrainsOn, part_keys, train_parts

__all__ = ["SEGMENTER", "Evaluation"]

_LOG: Final = logging.getLogger(__name__)
_PACKAGES: Final = ("hazardsim", "torch", "lightning", "segmentation-models-pytorch", "timm", "numpy")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a suite is run on.

    Args:
        suite: detectors and protocols.
        benchmark: which of the suite's sets.
        checkpoint: of the segmenter.
        test: the scored split.
        fit_splits: what detectors may see first, by `Detector.fit_split`.
        policy: name of the label policy that the scored split was made with, "" for a set that has none.
        seed: of the training run, None where the checkpoint was given.
        devices: what scores, as torch names them; several share out the shards, a process each.
        machine: what methods train their own networks on.
    """

    suite: Suite
    benchmark: BenchmarkSpec
    checkpoint: Path
    test: SegDataset
    fit_splits: Mapping[str, SegDataset]
    policy: str
    seed: int | None
    devices: tuple[str, ...] = ("cpu",)
    machine: Machine = field(default_factory=Machine)

    def run(self, out: Path) -> Path:
        """Runs what is not yet done and returns the folder of the results, `out/evaluations/<key>`.

        The key is a hash of suite, policy, data, checkpoint and code: a finished evaluation answers at once, a broken
        one continues at its last 32 images. Fitted detectors are kept in `out/fitted` and methods' own networks in
        `out/parts`, for every evaluation that has the same of what they depend on.

        Raises:
            OodEvalError: any of its kinds, as data, checkpoint, detectors and disk give reason.
        """
        detectors = {spec.label: build_detector(spec.name, spec.options, DETECTORS) for spec in self.suite.detectors}
        identity = self._identity(detectors)
        folder = out / "evaluations" / content_key(identity)
        maps = ScoreMaps(folder / "scores")
        if (folder / "rows.jsonl").is_file():
            _LOG.info("%s: already done, %s", self.benchmark.label, folder)
        else:
            self._compute(detectors, identity, out, folder, maps)
        maps.delete()
        return folder

    def _identity(self, detectors: Mapping[str, Detector]) -> dict[str, object]:
        needed = sorted({d.fit_split for d in detectors.values() if d.fit_split is not None} & set(self.fit_splits))
        return {
            "suite": {key: value for key, value in _plain(self.suite).items() if key not in {"benchmarks", "training"}},
            "benchmark": {key: value for key, value in _plain(self.benchmark).items() if key != "root"},
            "policy": self.policy,
            "data": dataset_hash(self.test),
            "fitted_on": {name: dataset_hash(self.fit_splits[name]) for name in needed},
            "checkpoint": _checkpoint_hash(self.checkpoint),
            "parts": self._part_keys(detectors),
            "seed": self.seed,
            "code": code_identity(detectors.values()),
        }

    def _part_keys(self, detectors: Mapping[str, Detector]) -> dict[str, str]:
        parts = trained_parts(detectors.values())
        return part_keys(parts, self.checkpoint, self._splits(), self.seed or 0)

    def _splits(self) -> dict[TrainsOn, SegDataset]:
        """What methods may train their own networks on."""
        return {"in_distribution": self.fit_splits["training"]} if "training" in self.fit_splits else {}

    def _compute(
        self,
        detectors: Mapping[str, Detector],
        identity: Mapping[str, object],
        out: Path,
        folder: Path,
        maps: ScoreMaps,
    ) -> None:
        states = self._states(detectors, identity, out)
        keys = self._part_keys(detectors)
        segmenter = self.prepared(detectors, states, out, self.devices[0], keys)
        second = "smiyc" in self.suite.protocols or self.benchmark.open_miou
        if second:
            _LOG.info("%s: whole score maps are kept in %s until the end", self.benchmark.label, maps.folder)
        kept = maps if second else None
        if len(self.devices) > 1:
            self._share_out(states, out, folder, kept, keys)
        shards = evaluate(self.suite, detectors, segmenter, self.test, folder, kept)
        numbers = Aggregation(self.suite, self.benchmark, tuple(detectors), segmenter.class_names, tuple(shards))
        rows = numbers.write(folder, maps if second else None, lambda dropped: self._provenance(identity, dropped))
        write_rows(folder / "rows.jsonl", rows)

    def prepared(
        self,
        detectors: Mapping[str, Detector],
        states: Mapping[str, Path],
        out: Path,
        device: str,
        keys: Mapping[str, str],
    ) -> Segmenter:
        """The segmenter on a device; gives the detectors their networks and what fitting finds, trained if need be."""
        segmenter = load_segmenter(self.checkpoint).to(device)
        check_classes(segmenter, self.test)
        for detector in detectors.values():
            detector.check_network(segmenter)
        needed = trained_parts(detectors.values())
        parts = train_parts(needed, self.checkpoint, self._splits(), out, self.seed or 0, self.machine, keys)
        for detector in detectors.values():
            if detector.trained_part is not None:
                detector.equip(parts[detector.trained_part].to(device))
        fit_detectors(detectors, segmenter, self.fit_splits, states)
        return segmenter

    def _share_out(
        self, states: Mapping[str, Path], out: Path, folder: Path, maps: ScoreMaps | None, keys: Mapping[str, str]
    ) -> None:
        """Scores the shards that are missing, every n-th in each of n processes."""
        parts = len(self.devices)
        with ProcessPoolExecutor(parts, mp_context=get_context("spawn")) as pool:
            threads = max(torch.get_num_threads() // parts, 1)
            running = [
                pool.submit(_score_part, self, dict(states), out, folder, maps, keys, (number, parts), threads)
                for number in range(parts)
            ]
            wait(running, return_when=FIRST_EXCEPTION)
            failed = [one for one in running if one.done() and one.exception() is not None]
            if failed:  # the others' finished shards are kept; whatever they are at now need not be waited for
                for process in active_children():
                    process.terminate()
                try:
                    failed[0].result()
                except BrokenProcessPool as error:
                    raise ResultError(
                        "a process that scored was killed, perhaps for want of memory; the same command goes on"
                    ) from error

    def _states(self, detectors: Mapping[str, Detector], identity: Mapping[str, object], out: Path) -> dict[str, Path]:
        """The file of each fitted detector's state: named by all that it depends on."""
        fitted_on = identity["fitted_on"]
        shared = {key: identity[key] for key in ("checkpoint", "parts")}
        found = {}
        for label, detector in detectors.items():
            if detector.fit_split is not None and isinstance(fitted_on, dict):
                code = code_identity([detector], FITTING)
                own = shared | {"detector": label, "data": fitted_on.get(detector.fit_split), "code": code}
                found[label] = out / "fitted" / f"{content_key(own)}.pt"
        return found

    def _provenance(self, identity: Mapping[str, object], dropped_share: float) -> Provenance:
        return Provenance(
            config_hash=content_key({key: identity[key] for key in ("suite", "benchmark", "policy", "fitted_on")}),
            data_hash=str(identity["data"]),
            checkpoint_hash=str(identity["checkpoint"]),
            seed=self.seed,
            policy=self.policy,
            dropped_share=dropped_share,
            versions={name: version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        )


def _score_part(
    evaluation: Evaluation,
    states: Mapping[str, Path],
    out: Path,
    folder: Path,
    maps: ScoreMaps | None,
    keys: Mapping[str, str],
    part: tuple[int, int],
    threads: int,
) -> None:
    """Scores one part of the shards in a process of its own."""
    torch.set_num_threads(threads)
    suite = evaluation.suite
    detectors = {spec.label: build_detector(spec.name, spec.options, DETECTORS) for spec in suite.detectors}
    segmenter = evaluation.prepared(detectors, states, out, evaluation.devices[part[0]], keys)
    evaluate(suite, detectors, segmenter, evaluation.test, folder, maps, part)


def checked_device(name: str) -> str:
    """The name of a device that is here.

    Raises:
        ConfigError: torch knows no such device, or cannot use it.
    """
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"--device {name}: cannot be used here ({reason})") from error
    return name


def write_run(out: Path, suite: Suite, done: Sequence[tuple[Evaluation, Path]], skipped: Mapping[str, str]) -> None:
    """Writes `run.json`: which evaluations belong to the run, and which benchmarks were left out and why.

    Raises:
        ResultError: the folder cannot be written.
    """
    evaluations = [{"benchmark": one.benchmark.label, "seed": one.seed, "key": folder.name} for one, folder in done]
    left_out = [{"benchmark": name, "reason": reason} for name, reason in skipped.items()]
    write_json(out / "run.json", {"suite": _plain(suite), "evaluations": evaluations, "skipped": left_out})


def _plain(value: Suite | BenchmarkSpec) -> dict[str, object]:
    """A specification as JSON values."""
    return {key: _text_of_paths(item) for key, item in dataclasses.asdict(value).items()}


def _text_of_paths(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {key: _text_of_paths(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_text_of_paths(item) for item in value]
    return value


def _checkpoint_hash(path: Path) -> str:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`")
    return file_hash(path)

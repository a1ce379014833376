"""A whole run: every benchmark of a suite under every training run, then what they say together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.build import build_dataset
from ood_eval.benchmarks.roots import find_root, passed_over
from ood_eval.datasets import First, SegDataset, check_dataset
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine.bootstrap import compare, image_table, write_comparisons
from ood_eval.engine.evaluation import Evaluation, checked_device, write_run
from ood_eval.engine.image_record import read_records
from ood_eval.engine.row import read_rows
from ood_eval.engine.suite import BenchmarkSpec, Suite
from ood_eval.engine.summary import summarise, write_summary
from ood_eval.errors import ConfigError, DataError
from ood_eval.training import Machine

_LOG: Final = logging.getLogger(__name__)
# Sets whose adapter takes a label policy of StreetHazards, and whether it takes `official`.
_STREETS: Final = {"streethazards": True, "generated": False}


@dataclass(frozen=True, slots=True)
class Campaign:
    """What `ood_eval run` does.

    Args:
        suite: benchmarks, detectors and protocols.
        data: root of the suite's training set, and of scored sets of the same name.
        segmenter: the checkpoint for a seed and a training split; trains it if need be.
        seeds: of the training runs; None stands for a checkpoint that was given.
        policy: label policy of sets in StreetHazards' layout.
        official: insist on the image counts of the public StreetHazards.
        limit_train: train and fit on the first so many images only.
        limit_test: score the first so many images of each set only.
        devices: what scoring runs on, as torch names them.
        machine: what methods train their own networks on.
    """

    suite: Suite
    data: Path | None
    segmenter: Callable[[int | None, SegDataset | None], Path]
    seeds: Sequence[int | None]
    policy: str = "keep_all"
    official: bool = False
    limit_train: int | None = None
    limit_test: int | None = None
    devices: tuple[str, ...] = ("cpu",)
    machine: Machine = field(default_factory=Machine)

    def run(self, out: Path) -> Path:
        """Runs what is not yet done and returns `out`; benchmarks that are not here are skipped, with a line.

        All seeds are trained before anything is scored; a process that only helps to train then returns.

        Raises:
            DataError: no benchmark is at hand, or one is damaged.
            OodEvalError: any other of its kinds.
        """
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"seeds {list(self.seeds)}: give at least one, and each only once")
        for detector in self.suite.detectors:
            build_detector(detector.name, detector.options, DETECTORS)
        tests, skipped = self._tests()
        fit_splits = self._fit_splits()
        if not self.devices:
            raise ConfigError("--device: name at least one, as cpu or cuda:0")
        if self.machine.is_global_zero:
            for device in self.devices:
                checked_device(device)
        checkpoints = {seed: self.segmenter(seed, fit_splits.get("training")) for seed in self.seeds}
        if not self.machine.is_global_zero:
            return out
        done: list[tuple[Evaluation, Path]] = []
        for seed, checkpoint in checkpoints.items():
            for spec, test in tests:
                evaluation = Evaluation(
                    self.suite,
                    spec,
                    checkpoint,
                    test,
                    fit_splits,
                    policy_of(test),
                    seed,
                    self.devices,
                    self.machine,
                )
                done.append((evaluation, evaluation.run(out)))
        self._together(out, done)
        write_run(out, self.suite, done, skipped)
        return out

    def _tests(self) -> tuple[list[tuple[BenchmarkSpec, SegDataset]], dict[str, str]]:
        found: list[tuple[BenchmarkSpec, SegDataset]] = []
        skipped: dict[str, str] = {}
        for spec in self.suite.benchmarks:
            root = self._root(spec)
            if root is None:
                over = passed_over(spec.name)
                there = f" ({over} holds no sign of it)" if over is not None else ""
                skipped[spec.label] = (
                    f"{spec.name} is not on this machine{there}; `ood_eval data where` says where to get it"
                )
                _LOG.info("skipped: %s", skipped[spec.label])
                continue
            split = scored_split(spec.name) if spec.split is None else spec.split
            whole = self._checked(spec, root, split)
            found.append((spec, _first(whole, self.limit_test)))
        if not found:
            raise DataError(f"suite {self.suite.name}: none of its benchmarks is here; see `ood_eval data where`")
        return found, skipped

    def _fit_splits(self) -> dict[str, SegDataset]:
        """Splits to train on and to fit on, as far as they are here."""
        spec, root = self.suite.training, self._root(self.suite.training)
        if root is None:
            return {}
        whole = self._checked(spec, root, "training")
        splits = {"training": _first(whole, self.limit_train)}
        try:
            splits["validation"] = self._checked(spec, root, "validation")
        except DataError as error:
            _LOG.info("no validation split: %s", error)
        return splits

    def _checked(self, spec: BenchmarkSpec, root: Path, split: str) -> SegDataset:
        """A split that was read whole and found sound."""
        whole = build_dataset(spec.name, root, split, self._options(spec))
        check_dataset(whole)
        return whole

    def _root(self, spec: BenchmarkSpec) -> Path | None:
        if spec.root is not None:
            return spec.root
        return self.data if self.data is not None and spec.name == self.suite.training.name else find_root(spec.name)

    def _options(self, spec: BenchmarkSpec) -> dict[str, Any]:
        if spec.name not in _STREETS:
            return spec.options
        official = {"official": True} if self.official and _STREETS[spec.name] else {}
        return {"policy": self.policy} | official | spec.options

    def _together(self, out: Path, done: Sequence[tuple[Evaluation, Path]]) -> None:
        """Writes what several evaluations say together: `summary.jsonl` and `comparisons.jsonl`."""
        rows = [row for _, folder in done for row in read_rows(folder / "rows.jsonl")]
        write_summary(out / "summary.jsonl", summarise(rows))
        detectors = [spec.label for spec in self.suite.detectors]
        comparisons = []
        for label in dict.fromkeys(one.benchmark.label for one, _ in done):
            runs = [read_records(folder / "images.jsonl") for one, folder in done if one.benchmark.label == label]
            comparisons += compare(label, detectors, image_table(runs, detectors))
        write_comparisons(out / "comparisons.jsonl", comparisons)


def policy_of(split: SegDataset) -> str:
    """The name of the label policy that a split was made with; "" where its set has but one."""
    policy = getattr(split.whole if isinstance(split, First) else split, "policy", "")
    return policy if isinstance(policy, str) else str(policy.name)


def scored_split(name: str) -> str:
    """The split of a benchmark that one evaluates on.

    Raises:
        ConfigError: the name is unknown, or the set has no anomalies to find.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"unknown benchmark {name!r}; known are {', '.join(BENCHMARKS)}")
    scored = BENCHMARKS[name].scored
    if scored is None:
        raise ConfigError(f"benchmark {name!r} has no split with anomalies; it can only be trained on")
    return scored


def _first(split: SegDataset, limit: int | None) -> SegDataset:
    return split if limit is None else First(split, limit)

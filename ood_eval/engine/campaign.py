"""A whole run: every benchmark of a suite under every training run, then what they say together."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.build import benchmark_named, build_dataset
from ood_eval.benchmarks.roots import config_file, data_roots, find_root, passed_over
from ood_eval.code import code_of, sources_of
from ood_eval.datasets import First, SegDataset, check_dataset
from ood_eval.datasets.fingerprint import Memory, attributes_hash, dataset_hash, remembered
from ood_eval.datasets.sample import policy_of
from ood_eval.detectors import DETECTORS, build_detector, detector_title
from ood_eval.engine.evaluation import Evaluation, checked_device
from ood_eval.engine.finished import Watched
from ood_eval.engine.fitness import GivenClasses, classes_of, relabelled, suited, tell_of_classes
from ood_eval.engine.suite import BenchmarkSpec, Suite, plain
from ood_eval.engine.together import write_together
from ood_eval.engine.workplace import clear_remains, exclusive
from ood_eval.errors import ConfigError, DataError
from ood_eval.files import content_key, write_json
from ood_eval.networks import Origin
from ood_eval.training import Machine

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Campaign:
    """What `ood_eval run` does.

    Args:
        suite: benchmarks, detectors and protocols.
        data: root of the suite's training set, and of scored sets of the same name.
        segmenter: where the one of a seed comes from, given the training split; trains it if need be.
        seeds: of the training runs; None stands for a segmenter that was given.
        policy: label policy of sets in StreetHazards' layout.
        official: insist on the image counts of the public StreetHazards.
        limit_train: train and fit on the first so many images only.
        limit_test: score the first so many images of each set only.
        devices: what scoring runs on, as torch names them.
        machine: what methods train their own networks on.
        insist: refuses to go on without a detector of the suite, instead of leaving it out with a line.
        class_map: which class of a set each class of the segmenter is; by equal names, if not given.
    """

    suite: Suite
    data: Path | None
    segmenter: Callable[[int | None, SegDataset | None], Origin]
    seeds: Sequence[int | None]
    policy: str = "keep_all"
    official: bool = False
    limit_train: int | None = None
    limit_test: int | None = None
    devices: tuple[str, ...] = ("cpu",)
    machine: Machine = field(default_factory=Machine)
    insist: bool = False
    class_map: GivenClasses | None = None

    def run(self, out: Path) -> Path:
        """Runs what is not yet done and returns `out`; benchmarks that are not here are skipped, with a line.

        All seeds are trained before anything is scored; a process that only helps to train then returns.

        Raises:
            DataError: no benchmark is at hand, or one is damaged.
            ResultError: another run uses the folder, or it cannot be written.
            OodEvalError: a suite's checkpoint or detector cannot be used, or its training diverged.
        """
        leads = self.machine.is_global_zero
        alone = exclusive(out) if leads else contextlib.nullcontext()
        with alone, remembered(out / "hashes.json", write=leads) as memory:
            return self._run(out, memory)

    def _run(self, out: Path, memory: Memory) -> Path:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"seeds {list(self.seeds)}: give at least one, and each only once")
        for detector in self.suite.scored:
            build_detector(detector.name, detector.options, DETECTORS)
        _tell_of_old_results(out)
        tests, skipped = self.tests(memory)
        fit_splits = self.fit_splits(memory)
        if not self.devices:
            raise ConfigError("--device: name at least one, as cpu or cuda:0")
        if self.machine.is_global_zero:
            for device in self.devices:
                checked_device(device)
        origins = {seed: self.segmenter(seed, fit_splits.get("training")) for seed in self.seeds}
        if self.machine.is_global_zero:
            told = self._score(out, tests, fit_splits, origins)
            told["skipped"] = [{"benchmark": name, "reason": reason} for name, reason in skipped.items()]
            write_json(out / "watched.json", dataclasses.asdict(self._watched(tests, fit_splits, origins)))
            write_json(out / "run.json", told)
        return out

    def _score(
        self,
        out: Path,
        tests: Sequence[tuple[BenchmarkSpec, SegDataset]],
        fit_splits: Mapping[str, SegDataset],
        origins: Mapping[int | None, Origin],
    ) -> dict[str, object]:
        """Evaluates every set under every segmenter, and returns what there is to say of the run."""
        # Of one recipe: what holds of the first segmenter, holds of the others.
        first = origins[self.seeds[0]].load()
        classes = {spec.label: classes_of(test, first, self.class_map) for spec, test in tests}
        for spec, test in tests:
            tell_of_classes(test, classes[spec.label])
        splits = relabelled(fit_splits, first, self.class_map)
        detectors, left_out = suited(self.suite.detectors, first, splits, insist=self.insist)
        suite = dataclasses.replace(self.suite, detectors=detectors)
        known = {
            "name": origins[self.seeds[0]].name,
            "identities": [origin.identity for origin in origins.values()],
            "class_names": list(first.class_names),
            "mean": first.mean.flatten().tolist(),
            "std": first.std.flatten().tolist(),
            "class_maps": {label: dict(one.pairs) for label, one in classes.items() if not one.is_whole},
        }
        del first
        done: list[tuple[Evaluation, Path]] = []
        for seed, origin in origins.items():
            for spec, test in tests:
                evaluation = Evaluation(
                    suite,
                    spec,
                    origin,
                    test,
                    splits,
                    policy_of(test),
                    seed,
                    classes[spec.label],
                    self.devices,
                    self.machine,
                )
                done.append((evaluation, evaluation.run(out)))
        clear_remains(out, {one.work_key for one, _ in done})
        folders = [(one.benchmark.label, folder) for one, folder in done]
        compared = [label for label, detector in done[0][0].detectors.items() if not detector.baseline]
        write_together(out, folders, compared)
        evaluations = [{"benchmark": one.benchmark.label, "seed": one.seed, "key": folder.name} for one, folder in done]
        return {
            "suite": plain(suite),
            "titles": {spec.label: detector_title(spec.label, DETECTORS) for spec in self.suite.scored},
            "baselines": [label for label, detector in done[0][0].detectors.items() if detector.baseline],
            "evaluations": evaluations,
            "segmenter": known,
            "left_out": [{"detector": label, "reason": reason} for label, reason in left_out.items()],
        }

    def tests(self, memory: Memory) -> tuple[list[tuple[BenchmarkSpec, SegDataset]], dict[str, str]]:
        """The benchmarks that are here, each with its scored split, checked; and of the others why they are skipped.

        Raises:
            ConfigError: a benchmark or an option of it is unknown.
            DataError: none is here, or one is damaged.
        """
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
            whole = self._checked(spec, root, split, memory)
            found.append((spec, _first(whole, self.limit_test)))
        if not found:
            raise DataError(f"suite {self.suite.name}: none of its benchmarks is here; see `ood_eval data where`")
        return found, skipped

    def fit_splits(self, memory: Memory) -> dict[str, SegDataset]:
        """Splits to train on and to fit on, as far as they are here.

        Raises:
            DataError: the training set is damaged.
        """
        spec, root = self.suite.training, self._root(self.suite.training)
        if root is None:
            return {}
        whole = self._checked(spec, root, "training", memory)
        splits = {"training": _first(whole, self.limit_train)}
        try:
            splits["validation"] = self._checked(spec, root, "validation", memory)
        except DataError as error:
            _LOG.info("no validation split: %s", error)
        return splits

    def _checked(self, spec: BenchmarkSpec, root: Path, split: str, memory: Memory) -> SegDataset:
        """A split that was read whole and found sound, now or by an earlier run on the same files."""
        options = self._options(spec)
        whole = build_dataset(spec.name, root, split, options)
        code = code_of(type(whole).__module__, check_dataset.__module__)
        data = [dataset_hash(whole), attributes_hash(whole)]
        key = content_key([spec.name, split, plain(dataclasses.replace(spec, options=options))["options"], data, code])
        if key not in memory.sound:
            check_dataset(whole)
            memory.sound.add(key)
        return whole

    def _root(self, spec: BenchmarkSpec) -> Path | None:
        if spec.root is not None:
            return spec.root
        return self.data if self.data is not None and spec.name == self.suite.training.name else find_root(spec.name)

    def _options(self, spec: BenchmarkSpec) -> dict[str, Any]:
        benchmark = benchmark_named(spec.name)
        if not benchmark.takes_label_policy:
            return spec.options
        official = {"official": True} if self.official and "official" in benchmark.options else {}
        return {"policy": self.policy} | official | spec.options

    def _watched(
        self,
        tests: Sequence[tuple[BenchmarkSpec, SegDataset]],
        fit_splits: Mapping[str, SegDataset],
        origins: Mapping[int | None, Origin],
    ) -> Watched:
        """All that the run has read, but for the package itself and the suite's file."""
        specs = (*self.suite.benchmarks, self.suite.training)
        trees = {str(root) for spec in specs if (root := self._root(spec)) is not None}
        folders = {
            str(path.parent)
            for split in (*(test for _, test in tests), *fit_splits.values())
            for index in range(len(split))
            for path in split.files(index)
            if not any(path.is_relative_to(tree) for tree in trees)
        }
        detectors = [build_detector(spec.name, spec.options, DETECTORS) for spec in self.suite.scored]
        modules = sources_of(*(module for detector in detectors for module in detector.modules))
        own = {str(path) for name, path in modules.items() if name.partition(".")[0] not in {"ood_eval", "hazardsim"}}
        config = {str(config_file())} if config_file().is_file() else set[str]()
        files = own | config | {str(path) for origin in origins.values() for path in origin.files()}
        return Watched(*(tuple(sorted(one)) for one in (trees, folders, files, set(data_roots()))))


def _tell_of_old_results(out: Path) -> None:
    """Says that results of an earlier version lie in a folder: they are neither used nor deleted."""
    old = [folder for folder in (out / "evaluations").glob("*") if not (folder / "cells.json").is_file()]
    finished = sum((folder / "rows.jsonl").is_file() for folder in old)
    if finished:
        _LOG.info("%s: %d results of an earlier version are left as they are and not used", out, finished)


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

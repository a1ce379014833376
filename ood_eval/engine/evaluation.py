"""One benchmark under one segmenter: the cells that are missing are scored, then numbers are read off all of them."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import platform
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Final

import torch

from ood_eval.code import code_of, text_of
from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.fingerprint import attributes_hash, dataset_hash
from ood_eval.datasets.relabelled import Relabelled
from ood_eval.datasets.sample import First, SegDataset, policy_of
from ood_eval.detectors import DETECTORS, Detector, build_detector, trained_parts
from ood_eval.engine.aggregation import Aggregation
from ood_eval.engine.cells import Cell, CellStore
from ood_eval.engine.fitting import fit_detectors
from ood_eval.engine.room import require_room
from ood_eval.engine.row import SEGMENTER, Provenance, write_rows
from ood_eval.engine.scoring import Instruments, Pass, judges
from ood_eval.engine.scoring_size import ScoringSize
from ood_eval.engine.seal import is_sealed, seal
from ood_eval.engine.suite import BenchmarkSpec, Suite, plain
from ood_eval.engine.workplace import Workplace
from ood_eval.errors import ConfigError, ResultError
from ood_eval.files import content_key, write_json
from ood_eval.metrics import PROTOCOLS
from ood_eval.networks import Origin
from ood_eval.store import write_lines
from ood_eval.tasks import TASKS, Task
from ood_eval.tasks.gallery import Gallery, write_frame
from ood_eval.tasks.image_record import ImageRecord
from ood_eval.tasks.packed_scores import BYTES_A_SCORE
from ood_eval.tasks.task import FACTS, Settings
from ood_eval.training import Machine, TrainsOn, part_keys, train_parts

_LOG: Final = logging.getLogger(__name__)
_PACKAGES: Final = (
    *("hazardsim", "torch", "lightning", "segmentation-models-pytorch", "timm", "numpy"),
    *("scikit-learn", "torchvision", "transformers"),
)
# Whose code turns finished cells into rows and files.
READING: Final = ("ood_eval.engine.aggregation", "ood_eval.engine.curves")
# Truth, classes and prediction of a pixel, which are kept beside the score maps of an image.
_BYTES_OF_LABELS: Final = 3
_FORWARDING: Final = ("ood_eval.networks.checkpoint", "ood_eval.networks.prediction")
# What the pass over the images calls on the way to a score.
_SCORING: Final = ("ood_eval.detectors.guard", "ood_eval.engine.scoring_size", "ood_eval.networks.averaged")


@dataclass(frozen=True)
class Evaluation:
    """What a suite is run on.

    Args:
        suite: detectors and protocols.
        benchmark: which of the suite's sets.
        segmenter: where it comes from.
        test: the scored split.
        fit_splits: what detectors may see first, by `Detector.fit_split`.
        policy: name of the label policy that the scored split was made with, "" for a set that has none.
        seed: of the training run, None where the segmenter was given.
        classes: how the segmenter's classes are those of the set.
        devices: what scores, as torch names them; several share out the images, a process each.
        machine: what methods train their own networks on.
    """

    suite: Suite
    benchmark: BenchmarkSpec
    segmenter: Origin
    test: SegDataset
    fit_splits: Mapping[str, SegDataset]
    policy: str
    seed: int | None
    classes: ClassMap
    devices: tuple[str, ...] = ("cpu",)
    machine: Machine = field(default_factory=Machine)

    def run(self, out: Path) -> Path:
        """Runs what is not yet done and returns the folder of the results, `out/evaluations/<key>`.

        What is stored are cells, in `out/cells`: one for each detector and each thing that is counted of it, named by
        benchmark, checkpoint, the detector with the code that it imports, and the code that counts. Finished cells
        are not scored again, whatever else a suite holds; a folder of which a file is missing or altered is made
        again. A broken run goes on where it was up to `SHARD_SECONDS` before. Fitted detectors are kept in
        `out/fitted`, methods' own networks in `out/parts`.

        Raises:
            OodEvalError: data, checkpoint or kept results are damaged, a detector cannot score, or the disk is full.
        """
        cells, folder = self.cells, out / "evaluations" / self.key
        if is_sealed(folder):
            _LOG.info("%s: already done, %s", self.benchmark.label, folder)
            return folder
        store, desk = CellStore(out / "cells"), Workplace(out, self.work_key)
        missing = [cell for cell in cells if not store.has(cell)]
        if len(missing) < len(cells):
            _LOG.info(
                "%s: %d of %d cells are done already", self.benchmark.label, len(cells) - len(missing), len(cells)
            )
        self._score(missing, out, desk)
        self._finish(missing, store, desk)
        if desk.shards.clear(store):
            desk.maps.delete()
        aggregation = Aggregation(self.suite, self.benchmark.label, self.classes.known, self.task, store, cells)
        records = self._with_gallery(list(aggregation.records()), folder, out, desk)
        write_lines(folder / "images.jsonl", records)
        write_json(folder / "cells.json", {cell.key: {"for": cell.label, "of": cell.measure} for cell in cells})
        write_rows(folder / "rows.jsonl", aggregation.write(folder, partial(self._provenance, store)))
        seal(folder)
        return folder

    def __getstate__(self) -> dict[str, object]:
        """Without the detectors, which another process builds for itself."""
        return {name: value for name, value in self.__dict__.items() if name != "detectors"}

    @property
    def task(self) -> Task:
        """What a sample is."""
        return TASKS[self.suite.task]

    @cached_property
    def detectors(self) -> dict[str, Detector]:
        """Fresh detectors by label."""
        return {spec.label: build_detector(spec.name, spec.options, DETECTORS) for spec in self.suite.scored}

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Everything that is counted: of the segmenter, then of each detector."""
        measures = self.task.measures(self.suite.protocols, self._settings)
        facts = {measure: self._shared | self.task.facts_of(measure, self._settings) for measure in (FACTS, *measures)}
        detectors = [
            Cell(label, measure, facts[measure] | {"method": method})
            for label, method in self._methods.items()
            for measure in measures
        ]
        return (Cell(SEGMENTER, FACTS, facts[FACTS]), *detectors)

    @cached_property
    def key(self) -> str:
        """The name of the results: what cells they are made of, and how they are read."""
        facts = {
            "cells": [cell.key for cell in self.cells],
            "experiment": self.suite.name,
            "benchmark": self.benchmark.label,
            "protocols": {name: code_of(PROTOCOLS[name].__module__) for name in self.suite.protocols},
            "gallery": self.suite.gallery,
            "seed": self.seed,
            "code": code_of(*READING),
        }
        return content_key(facts)

    @cached_property
    def work_key(self) -> str:
        """The name of its unfinished work and of its frames."""
        return content_key(self._shared | self.classes.facts())

    @cached_property
    def _size(self) -> ScoringSize:
        """At which pictures are scored; their own, where the segmenter does not say at which it was trained."""
        if self.suite.size != "training":
            return ScoringSize.of(self.suite.size)
        trained = self.segmenter.load().trained_px
        if trained is None:
            name = self.segmenter.name
            _LOG.info("%s: does not say at what size it was trained; pictures are scored as they are", name)
        return ScoringSize.of(self.suite.size, trained)

    @property
    def _settings(self) -> Settings:
        return Settings(self.benchmark.track, self.benchmark.open_miou, self.classes)

    @cached_property
    def _shared(self) -> dict[str, object]:
        """What every cell depends on: the samples, how they are read, the segmenter, and the pass over them."""
        return {
            "task": self.task.name,
            "benchmark": {name: plain(self.benchmark)[name] for name in ("name", "split", "options")},
            "policy": self.policy,
            "data": dataset_hash(self.test),
            "attributes": attributes_hash(self.test),
            "adapter": code_of(adapter_of(self.test)),
            "checkpoint": self.segmenter.identity,
            "network": code_of(*_FORWARDING),
            "scoring": [text_of(Pass.__module__), code_of(*_SCORING)],
            "size": str(self._size),
        }

    @cached_property
    def _methods(self) -> dict[str, dict[str, object]]:
        """What each detector's scores depend on besides."""
        fitted_on = {name: dataset_hash(split) for name, split in self.fit_splits.items()} if self._fits else {}
        found: dict[str, dict[str, object]] = {}
        for label, detector in self.detectors.items():
            found[label] = {"code": code_of(*detector.modules)}
            if trained := self._part_keys([detector]):
                found[label]["parts"] = trained
            if detector.fit_split is not None and detector.fit_split in fitted_on:
                split = self.fit_splits[detector.fit_split]
                found[label]["fitted_on"] = {
                    "data": fitted_on[detector.fit_split],
                    "policy": policy_of(split),
                    "adapter": code_of(adapter_of(split)),
                }
        return found

    @property
    def _fits(self) -> bool:
        return any(detector.fit_split is not None for detector in self.detectors.values())

    def _part_keys(self, detectors: Iterable[Detector]) -> dict[str, str]:
        return part_keys(trained_parts(detectors), self.segmenter, self._splits, self.seed or 0)

    @property
    def _splits(self) -> dict[TrainsOn, SegDataset]:
        """What methods may train their own networks on."""
        return {"in_distribution": self.fit_splits["training"]} if "training" in self.fit_splits else {}

    def _score(self, missing: Sequence[Cell], out: Path, desk: Workplace) -> None:
        """Counts every image that a missing cell lacks."""
        every = frozenset(range(len(self.test)))
        parts = desk.shards.parts(missing)
        lacking = {}
        for cell in missing:
            counted = frozenset().union(*map(frozenset, parts[cell].values()))
            unkept = self._unkept(cell, desk) if self.task.keeps_maps(cell.measure) else frozenset[int]()
            if uncounted := every if counted & unkept else every - counted:
                lacking[cell] = uncounted
        if not lacking:
            return
        labels = {cell.label for cell in lacking} - {SEGMENTER}
        self._require_room(lacking, desk)
        gallery = self.suite.gallery if labels == self.detectors.keys() else 0
        work = Pass(self.task, self.test, lacking, desk.shards, desk.maps, desk.frames, gallery)
        instruments = self.instruments(labels, out, self.devices[0])
        if len(self.devices) == 1:
            work.score(instruments)
        else:
            self._share_out(work, labels, out)

    def _require_room(self, lacking: Mapping[Cell, frozenset[int]], desk: Workplace) -> None:
        """Refuses to begin where the disk cannot hold the score maps that some measures need until the end.

        Raises:
            ResultError: the disk has less room.
        """
        kept: dict[str, frozenset[int]] = {}
        measures: set[str] = set()
        for cell, indices in lacking.items():
            if self.task.keeps_maps(cell.measure):
                measures.add(cell.measure)
                kept[cell.scorer] = kept.get(cell.scorer, frozenset()) | indices
        if not kept:
            return
        pixels = self.test[0].image.shape[0] * self.test[0].image.shape[1]
        maps, images = sum(map(len, kept.values())), len(frozenset().union(*kept.values()))
        _LOG.info("%s: whole score maps are kept in %s until the end", self.benchmark.label, desk.maps.folder)
        require_room(
            desk.maps.folder,
            int(pixels * (maps * BYTES_A_SCORE + images * _BYTES_OF_LABELS)),
            f"{maps} score maps, which some protocols need once more at the end,",
            "score a few --detectors at a time into the same --out, which keeps what is done, or leave out what "
            f"needs whole maps ({', '.join(sorted(measures))})",
        )

    def _unkept(self, cell: Cell, desk: Workplace) -> frozenset[int]:
        """The images whose score map is missing or damaged."""
        return frozenset([index for index in range(len(self.test)) if desk.maps.lack(index, f"score|{cell.scorer}")])

    def instruments(self, labels: Iterable[str], out: Path, device: str) -> Instruments:
        """What scores for some detectors on a device; trains and fits what they need, or loads what was kept.

        Raises:
            CheckpointError: the segmenter's files are damaged or do not fit.
            ConfigError: a split that a detector must see is not at hand.
            DataError: a sample to fit on is damaged or has no class labels.
            DetectorError: a detector cannot read this network.
            TrainingError: a method's own network cannot be trained.
            ResultError: what was kept is damaged, or the folder cannot be written.
        """
        wanted = set(labels)
        detectors = {label: detector for label, detector in self.detectors.items() if label in wanted}
        segmenter = self.segmenter.load()
        for detector in detectors.values():
            detector.check_network(segmenter)
        needed, keys = trained_parts(detectors.values()), self._part_keys(detectors.values())
        parts = train_parts(needed, self.segmenter, self._splits, out, self.seed or 0, self.machine, keys)
        segmenter = segmenter.to(device)
        for detector in detectors.values():
            if detector.trained_part is not None:
                detector.equip(parts[detector.trained_part].to(device))
        states = {
            label: out / "fitted" / f"{content_key(self._fitted_facts(label))}.pt"
            for label, detector in detectors.items()
            if detector.fit_split is not None
        }
        fit_detectors(detectors, segmenter, self.fit_splits, states)
        return Instruments(segmenter, detectors, self.classes, self._size)

    def scores_key(self, label: str) -> str:
        """A hash of all that a detector's scores depend on."""
        return content_key(self._shared | self._methods[label] | {"detector": label})

    @property
    def size(self) -> str:
        """At which pictures are scored: native, or the box that they are scaled to fit."""
        return str(self._size)

    def _fitted_facts(self, label: str) -> dict[str, object]:
        shared = {name: self._shared[name] for name in ("checkpoint", "network")}
        return shared | self._methods[label] | {"detector": label}

    def _share_out(self, work: Pass, labels: Iterable[str], out: Path) -> None:
        """Scores in a process for each device, every n-th run of images in each."""
        parts = len(self.devices)
        with ProcessPoolExecutor(parts, mp_context=get_context("spawn")) as pool:
            threads = torch.get_num_threads()  # in each as in one: sums are rounded by how many threads share them
            running = [
                pool.submit(_score_part, self, work, frozenset(labels), out, (number, parts), threads)
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

    def _finish(self, missing: Sequence[Cell], store: CellStore, desk: Workplace) -> None:
        """Puts each missing cell together from shards and reads numbers off kept maps, one cell in memory at a time.

        Raises:
            ResultError: shards that were counted are gone, or something is damaged or cannot be written.
        """
        parts = desk.shards.parts(missing)
        for cell, shards in parts.items():
            counted = sum(map(len, shards.values()))
            if counted != len(self.test):
                raise ResultError(
                    f"{desk.shards.folder}: holds {counted} of {len(self.test)} images of {cell.label} "
                    f"({cell.measure}), though all were counted; run again, which counts the others"
                )
        facts = self.cells[0]
        for cell in sorted(missing, key=lambda one: one != facts):
            count = self.task.count(cell.measure, len(self.classes.names))
            desk.shards.add(cell, count, parts[cell])
            state, numbers = count.state(), []
            if self.task.keeps_maps(cell.measure):
                known, _ = store.read(facts)
                numbers = self.task.at_the_end(cell.measure, cell.scorer, state, known, desk.maps, self._settings)
            store.write(cell, state, numbers, versions_here())

    def _with_gallery(
        self, records: Sequence[ImageRecord], folder: Path, out: Path, desk: Workplace
    ) -> list[ImageRecord]:
        """Chooses the frames that a report shows, and draws those that no pass has kept; the records say which."""
        gallery = Gallery(len(self.test), self.suite.gallery)
        judged = set(judges(self.detectors))
        for failure in self.task.failures(_only(records, judged)):
            gallery.offer(*failure)
        scorers = {cell.label: cell.scorer for cell in self.cells if cell.label in self.detectors}
        absent = {
            index: [label for label, scorer in scorers.items() if desk.frames.lack(index, f"score|{scorer}")]
            for index in gallery.chosen
        }
        wanted = {label for lacking in absent.values() for label in lacking}
        if wanted:
            instruments = self.instruments(wanted, out, self.devices[0])
            for index in sorted(index for index, lacking in absent.items() if lacking):
                item = self.task.item(self.test, index)
                prediction = instruments.predict(item)
                scores = {scorers[label]: instruments.scores(label, prediction, item) for label in absent[index]}
                segmented = self.task.segmented(item, prediction, self.classes)
                desk.frames.save(index, self.task.frame(item, segmented, scores))
        shown = ("id", "image", "anomaly", "predicted", *(f"score|{label}" for label in scorers))
        for index in sorted(gallery.chosen):
            arrays = desk.frames.load(index, *shown[:4], *(f"score|{scorer}" for scorer in scorers.values()))
            write_frame(folder / "gallery" / desk.frames.path(index).name, dict(zip(shown, arrays, strict=True)))
        desk.frames.keep(gallery.chosen)
        return [dataclasses.replace(record, gallery=record.index in gallery.chosen) for record in records]

    def _provenance(self, store: CellStore, dropped_share: float, cells: Sequence[Cell]) -> Provenance:
        """Where numbers come from that some cells give."""
        methods = {str(dict(cell.facts["method"])["code"]) for cell in cells if "method" in cell.facts}  # type: ignore[call-overload]
        versions: dict[str, list[str]] = {}
        for cell in cells:
            for name, number in store.versions(cell).items():
                versions.setdefault(name, []).append(number)
        code = {
            "adapter": str(self._shared["adapter"]),
            "network": str(self._shared["network"]),
            "method": ",".join(sorted(methods)),
            "protocol": ",".join(sorted(str(cell.facts["code"]) for cell in cells)),
        }
        settings = {"suite": self.suite.name, "detectors": plain(self.suite)["detectors"], "policy": self.policy}
        return Provenance(
            config_hash=content_key(settings | {"benchmark": self._shared["benchmark"]}),
            data_hash=str(self._shared["data"]),
            checkpoint_hash=str(self._shared["checkpoint"]),
            seed=self.seed,
            policy=self.policy,
            dropped_share=dropped_share,
            versions={name: ", ".join(dict.fromkeys(numbers)) for name, numbers in versions.items()},
            code={name: value for name, value in code.items() if value},
            size=str(self._size),
        )


def _only(records: Iterable[ImageRecord], detectors: Container[str]) -> Iterator[ImageRecord]:
    """Records with the values of some detectors alone."""
    for record in records:
        values = {label: found for label, found in record.values.items() if label in detectors}
        yield dataclasses.replace(record, values=values)


def versions_here() -> dict[str, str]:
    """What computes here, and in which versions."""
    found: dict[str, str] = {}
    for name in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found | {"python": platform.python_version()}


def _score_part(
    evaluation: Evaluation, work: Pass, labels: frozenset[str], out: Path, part: tuple[int, int], threads: int
) -> None:
    """Scores one part of the images in a process of its own."""
    torch.set_num_threads(threads)
    work.score(evaluation.instruments(labels, out, evaluation.devices[part[0]]), part)


def checked_device(name: str) -> str:
    """The name of a device that is here and computes.

    Raises:
        ConfigError: torch knows no such device, or cannot use it.
    """
    try:
        float(torch.ones(1, device=name).sum())  # what has no memory of its own, as meta, fails here alone
    except Exception as error:  # each device has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"--device {name}: cannot be used here ({reason})") from error
    return name


def adapter_of(split: SegDataset) -> str:
    """The module that reads a split."""
    while isinstance(split, (First, Relabelled)):
        split = split.whole
    return type(split).__module__

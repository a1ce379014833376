"""Numbers of score maps that lie in files, whoever made them: counted, kept and reported as those of a run."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ood_eval.code import code_of, text_of
from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.fingerprint import attributes_hash, dataset_hash, file_hash
from ood_eval.datasets.sample import SegDataset, policy_of
from ood_eval.engine.aggregation import Aggregation
from ood_eval.engine.cells import Cell, CellStore
from ood_eval.engine.evaluation import READING, adapter_of, versions_here
from ood_eval.engine.row import SEGMENTER, Provenance, write_rows
from ood_eval.engine.scoring import pause
from ood_eval.engine.seal import is_sealed, seal
from ood_eval.engine.suite import BenchmarkSpec, Suite, plain
from ood_eval.errors import DetectorError, ResultError
from ood_eval.files import content_key, write_json
from ood_eval.metrics import PROTOCOLS
from ood_eval.score_maps import FORMATS
from ood_eval.score_maps.folder import ScoreMaps
from ood_eval.store import write_lines
from ood_eval.tasks import TASKS, Task
from ood_eval.tasks.gallery import Gallery, write_frame
from ood_eval.tasks.image_record import ImageRecord
from ood_eval.tasks.task import FACTS, Settings

_LOG: Final = logging.getLogger(__name__)
# Score maps tell of no classes.
_NO_CLASSES: Final = ClassMap((), (), ())


@dataclass(frozen=True)
class MapEvaluation:
    """One benchmark, and score maps of all its images.

    Args:
        suite: protocols, gallery and task; its detectors and its size do not count.
        benchmark: which set.
        test: the split that the maps are of.
        maps: of each detector.
        size: at which pictures were scored, as far as the maps tell.
        checkpoint: that scored them, as far as the maps tell.
    """

    suite: Suite
    benchmark: BenchmarkSpec
    test: SegDataset
    maps: tuple[ScoreMaps, ...]
    size: str = "native"
    checkpoint: str = ""

    def run(self, out: Path) -> Path:
        """Counts what is not yet counted and returns the folder of the results, `out/evaluations/<key>`.

        Cells are kept under the contents of the maps and of the set, and the code that counts; one detector is in
        memory at a time.

        Raises:
            DataError: a map or a sample is missing or damaged; the message names the file.
            ResultError: what is kept is damaged, or the folder cannot be written.
        """
        folder = out / "evaluations" / self.key
        if is_sealed(folder):
            _LOG.info("%s: already done, %s", self.benchmark.label, folder)
            return folder
        store = CellStore(out / "cells")
        if not store.has(self.cells[0]):
            self._count_facts(store)
        for maps in self.maps:
            missing = [cell for cell in self.cells if cell.label == maps.label and not store.has(cell)]
            if missing:
                self._count(maps, missing, store)
        aggregation = Aggregation(self.suite, self.benchmark.label, (), self.task, store, self.cells)
        write_lines(folder / "images.jsonl", self._with_gallery(list(aggregation.records()), folder))
        write_json(folder / "cells.json", {cell.key: {"for": cell.label, "of": cell.measure} for cell in self.cells})
        write_rows(folder / "rows.jsonl", aggregation.write(folder, self._provenance))
        seal(folder)
        return folder

    @property
    def task(self) -> Task:
        """What a sample is."""
        return TASKS[self.suite.task]

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """What is known of the images, then everything that is counted of each detector."""
        measures = self.task.measures(self.suite.protocols, self._settings)
        facts = {measure: self._shared | self.task.facts_of(measure, self._settings) for measure in (FACTS, *measures)}
        return (
            Cell(SEGMENTER, FACTS, facts[FACTS]),
            *(
                Cell(maps.label, measure, facts[measure] | read)
                for maps, read in ((maps, self._read_of(maps)) for maps in self.maps)
                for measure in measures
            ),
        )

    @cached_property
    def key(self) -> str:
        """The name of the results."""
        protocols = {name: code_of(PROTOCOLS[name].__module__) for name in self.suite.protocols}
        told = [
            self.suite.name,
            self.benchmark.label,
            self.suite.gallery,
            self.size,
            self.checkpoint,
            code_of(*READING),
        ]
        return content_key([[cell.key for cell in self.cells], protocols, told])

    @property
    def _settings(self) -> Settings:
        return Settings(self.benchmark.track, open_miou=False, classes=_NO_CLASSES)

    @cached_property
    def _shared(self) -> dict[str, object]:
        return {
            "task": self.task.name,
            "benchmark": {name: plain(self.benchmark)[name] for name in ("name", "split", "options")},
            "policy": policy_of(self.test),
            "data": dataset_hash(self.test),
            "attributes": attributes_hash(self.test),
            "adapter": code_of(adapter_of(self.test)),
        }

    @staticmethod
    def _read_of(maps: ScoreMaps) -> dict[str, object]:
        """The files of a detector, and what makes scores of them."""
        return {
            "maps": [file_hash(path) for path in maps.files],
            "format": maps.format,
            "decoded_by": [code_of(FORMATS[maps.format].read.__module__), text_of(ScoreMaps.__module__)],
        }

    def _item(self, index: int, maps: ScoreMaps) -> tuple[Any, NDArray[np.float32]]:
        item = self.task.item(self.test, index)
        height, width = item.sample.image.shape[:2]
        return item, maps.load(index, (height, width))

    def _count_facts(self, store: CellStore) -> None:
        count = self.task.count(FACTS, 0)
        for index in tqdm(range(len(self.test)), desc=self.test.name, unit="image", mininterval=pause()):
            count.update(self.task.unsegmented(self.task.item(self.test, index)), 0.0)
        store.write(self.cells[0], count.state(), [], versions_here())

    def _count(self, maps: ScoreMaps, missing: Sequence[Cell], store: CellStore) -> None:
        counts = {cell: self.task.count(cell.measure, 0) for cell in missing}
        title = f"{maps.label} on {self.test.name}"
        for index in tqdm(range(len(self.test)), desc=title, unit="image", mininterval=pause()):
            item, scores = self._item(index, maps)
            try:
                found = self.task.scored(item, scores)
                for count in counts.values():
                    count.update(found, 0.0)
            except DetectorError as error:
                raise DetectorError(f"{maps.files[index]}: {error}") from error
        known, _ = store.read(self.cells[0])
        for cell, count in counts.items():
            state, numbers = count.state(), []
            if self.task.keeps_maps(cell.measure):
                again = _Reread(self, maps, cell.scorer)
                numbers = self.task.at_the_end(cell.measure, cell.scorer, state, known, again, self._settings)
            store.write(cell, state, numbers, versions_here())

    def _with_gallery(self, records: Sequence[ImageRecord], folder: Path) -> list[ImageRecord]:
        """Draws the frames that a report shows; the records say which."""
        gallery = Gallery(len(self.test), self.suite.gallery)
        for failure in self.task.failures(records):
            gallery.offer(*failure)
        for index in sorted(gallery.chosen):
            item = self.task.item(self.test, index)
            size = (item.sample.image.shape[0], item.sample.image.shape[1])
            scores = {maps.label: maps.load(index, size) for maps in self.maps}
            frame = self.task.frame(item, self.task.unsegmented(item), scores)
            write_frame(folder / "gallery" / f"{index:08d}.npz", frame)
        return [dataclasses.replace(record, gallery=record.index in gallery.chosen) for record in records]

    def _provenance(self, dropped_share: float, cells: Sequence[Cell]) -> Provenance:
        code = {
            "adapter": str(self._shared["adapter"]),
            "protocol": ",".join(sorted(str(one.facts["code"]) for one in cells)),
        }
        return Provenance(
            config_hash=content_key([self.suite.name, self._shared["benchmark"], self._shared["policy"]]),
            data_hash=str(self._shared["data"]),
            checkpoint_hash=self.checkpoint,
            seed=None,
            policy=str(self._shared["policy"]),
            dropped_share=dropped_share,
            versions=versions_here(),
            code=code,
            size=self.size,
        )


@dataclass(frozen=True, slots=True)
class _Reread:
    """What a task keeps of every image, made again from the files."""

    evaluation: MapEvaluation
    maps: ScoreMaps
    scorer: str

    def names(self, index: int) -> frozenset[str]:
        """What there is of an image."""
        return frozenset(self._arrays(index))

    def load(self, index: int, *names: str) -> tuple[NDArray[Any], ...]:
        """Arrays of an image by name.

        Raises:
            ResultError: there is none of such a name.
        """
        arrays = self._arrays(index)
        if absent := [name for name in names if name not in arrays]:
            raise ResultError(f"{self.maps.files[index]}: score maps alone do not tell {absent[0]}")
        return tuple(arrays[name] for name in names)

    def _arrays(self, index: int) -> Mapping[str, NDArray[Any]]:
        item, scores = self.evaluation._item(index, self.maps)
        task = self.evaluation.task
        return task.maps(item, task.unsegmented(item), {self.scorer: scores})

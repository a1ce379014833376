"""Finished cells to rows, curves, thresholds and class qualities, one detector in memory at a time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ood_eval.engine.cells import Cell, CellStore, States
from ood_eval.engine.curves import curves_of
from ood_eval.engine.row import CHANCE, SEGMENTER, Provenance, Row
from ood_eval.engine.suite import Suite
from ood_eval.files import write_json
from ood_eval.metrics import (
    OPEN,
    PROTOCOLS,
    Confusion,
    Number,
    OperatingPoint,
    best_f1_point,
    chance_numbers,
    make_protocol,
    recall_point,
)
from ood_eval.tasks import Task
from ood_eval.tasks.counts import FactsCount
from ood_eval.tasks.image_record import ImageRecord
from ood_eval.tasks.task import FACTS, IMAGES

# Classes of a table that name what is left over.
_LEFT_OVER: Final = frozenset({"unlabeled", "other", "background"})
Origin = Callable[[float, Sequence[Cell]], Provenance]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What the cells of an evaluation hold.

    Args:
        suite: protocols.
        benchmark: label of the set.
        class_names: in which the segmenter's predictions were counted.
        task: what the cells are of.
        store: where they are.
        cells: all of the evaluation, in order.
    """

    suite: Suite
    benchmark: str
    class_names: tuple[str, ...]
    task: Task
    store: CellStore
    cells: tuple[Cell, ...]

    @property
    def detectors(self) -> tuple[str, ...]:
        """Labels, in order."""
        return tuple(dict.fromkeys(cell.label for cell in self.cells if cell.label != SEGMENTER))

    def records(self) -> Iterator[ImageRecord]:
        """The images in order.

        Raises:
            ResultError: a cell is damaged.
        """
        images = {label: self._read(label, IMAGES)[0] for label in self.detectors}
        return self.task.records(self._read(SEGMENTER, FACTS)[0], images)

    def write(self, folder: Path, provenance: Origin) -> list[Row]:
        """Writes curves, thresholds and class qualities into `folder`, and returns the rows.

        Args:
            folder: of the evaluation.
            provenance: from the share of dropped pixels and the cells that a number was read off.

        Raises:
            ResultError: a cell is damaged or the folder cannot be written.
        """
        facts = FactsCount.of(self._read(SEGMENTER, FACTS)[0])
        dropped = facts.dropped / max(facts.pixels, 1)
        rows: list[Row] = []
        curves: dict[str, object] = {}
        thresholds: dict[str, object] = {}
        for detector in self.detectors:
            spent = float(self._read(detector, IMAGES)[0]["seconds"][0])
            late: list[Row] = []
            states: dict[str, tuple[States, list[Number]]] = {}
            for name in self.suite.protocols:
                measure = PROTOCOLS[name].counts_as
                if measure not in states:
                    states[measure] = self._read(detector, measure)
                    pooled = self._pooled(measure, states[measure][0])
                    if pooled is not None:
                        curves |= {detector: pooled[0]} if pooled[0] is not None else {}
                        thresholds[detector] = pooled[1]
                origin = provenance(dropped, [self._cell(detector, measure)])
                protocol = make_protocol(name)
                protocol.add_state(states[measure][0])
                rows += [self._row(detector, name, number, spent, origin) for number in protocol.compute()]
                late += [self._row(detector, name, number, 0.0, origin) for number in states[measure][1]]
            if any(cell.measure == OPEN for cell in self.cells):
                origin = provenance(dropped, [self._cell(detector, OPEN)])
                late += [self._row(detector, OPEN, number, 0.0, origin) for number in self._read(detector, OPEN)[1]]
            rows += late
        rows += self._chance(facts, rows, provenance(dropped, [self._cell(SEGMENTER, FACTS)]))
        write_json(folder / "curves.json", curves)
        write_json(folder / "thresholds.json", thresholds)
        write_json(folder / "segmenter.json", segmentation(facts.confusion, self.class_names))
        if not self.class_names:  # maps that were saved tell of no classes
            return rows
        origin = provenance(dropped, [self._cell(SEGMENTER, FACTS)])
        return rows + [self._row(SEGMENTER, "pooled", number, facts.seconds, origin) for number in self._quality(facts)]

    def _cell(self, label: str, measure: str) -> Cell:
        return next(cell for cell in self.cells if (cell.label, cell.measure) == (label, measure))

    def _read(self, label: str, measure: str) -> tuple[States, list[Number]]:
        return self.store.read(self._cell(label, measure))

    def _row(self, detector: str, protocol: str, number: Number, spent: float, origin: Provenance) -> Row:
        return Row(
            self.suite.name, self.benchmark, detector, protocol, number.metric, number.value, number.low, number.high,
            number.images, number.pixels, number.skipped, spent, origin,
        )  # fmt: skip

    def _pooled(self, measure: str, state: States) -> tuple[object, object] | None:
        """Curves and operating points of the counts of a measure that pools scores as they are."""
        name = next(name for name in PROTOCOLS if PROTOCOLS[name].counts_as == measure)
        protocol = make_protocol(name)
        protocol.add_state(state)
        histogram = protocol.pooled()
        if histogram is None:
            return None
        drawn = curves_of(histogram)
        points = {"best_f1": _fields(best_f1_point(histogram)), "tpr95": _fields(recall_point(histogram))}
        return None if drawn is None else dataclasses.asdict(drawn), points

    def _chance(self, facts: FactsCount, rows: Sequence[Row], origin: Provenance) -> Iterator[Row]:
        """What scores drawn at random would give under each protocol."""
        images = [json.loads(line) for line in facts.lines.values()]
        counts = [np.array([one[kind] for one in images], dtype=np.int64) for kind in ("known", "anomalous", "void")]
        for name in self.suite.protocols:
            protocol = make_protocol(name)
            row = next(row for row in rows if row.protocol == name)
            counted = Number(row.metric, row.value, row.low, row.high, row.images, row.pixels, row.skipped)
            for number in chance_numbers(protocol.metrics, protocol.base_rate(*counts), counted):
                yield self._row(CHANCE, name, number, 0.0, origin)

    def _quality(self, facts: FactsCount) -> list[Number]:
        confusion = facts.confusion
        known = [place for place, name in enumerate(self.class_names) if name not in _LEFT_OVER]
        values = {
            "miou": confusion.mean_iou(),
            "miou_known": confusion.mean_iou_of(known),
            "miou_table": confusion.mean_iou_of_table(len(self.class_names)),
            "accuracy": confusion.accuracy(),
        }
        pixels = int(confusion.counts.sum())
        return [Number(name, value, value, value, facts.images, pixels, 0) for name, value in values.items()]


def segmentation(confusion: Confusion, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """IoU (None where the class does not occur) and share of counted pixels, by class name; the first K classes."""
    shares = confusion.counts.sum(axis=1) / max(int(confusion.counts.sum()), 1)
    return {
        name: {"iou": None if np.isnan(value) else float(value), "share": float(share)}
        for name, value, share in zip(names, confusion.iou(), shares, strict=False)
    }


def _fields(point: OperatingPoint | None) -> dict[str, float] | None:
    return None if point is None else dataclasses.asdict(point)

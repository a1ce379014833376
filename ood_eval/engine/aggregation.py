"""The second phase: stored counts to rows, curves and thresholds, one detector in memory at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ood_eval.engine.curves import curves_of
from ood_eval.engine.image_record import read_records
from ood_eval.engine.row import Provenance, Row
from ood_eval.engine.score_maps import ScoreMaps
from ood_eval.engine.suite import BenchmarkSpec, Suite
from ood_eval.engine.tally import Tally
from ood_eval.engine.thresholded import component_numbers, open_number
from ood_eval.files import write_json
from ood_eval.metrics import TRACKS, Confusion, Dataset, Number, OperatingPoint, Smiyc, best_f1_point, recall_point

SEGMENTER: Final = "segmenter"
# Classes of a table that name what is left over.
_LEFT_OVER: Final = frozenset({"unlabeled", "other", "background"})


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What an evaluation's shards hold.

    Args:
        suite: protocols.
        benchmark: which of the suite's sets.
        detectors: labels.
        class_names: of the segmenter.
        shards: files of counts.
    """

    suite: Suite
    benchmark: BenchmarkSpec
    detectors: tuple[str, ...]
    class_names: tuple[str, ...]
    shards: tuple[Path, ...]

    def write(self, folder: Path, maps: ScoreMaps | None, provenance: Callable[[float], Provenance]) -> list[Row]:
        """Writes curves, thresholds and class qualities into `folder`, and returns the rows.

        Args:
            folder: of the evaluation.
            maps: kept score maps, where a number needs a second look.
            provenance: from the share of dropped pixels.

        Raises:
            ResultError: a shard is damaged or the folder cannot be written.
        """
        plain = self._tally(())
        origin = provenance(plain.dropped / max(plain.pixels, 1))
        found: list[tuple[str, str, Number, float]] = []
        curves: dict[str, object] = {}
        thresholds: dict[str, object] = {}
        points: dict[str, OperatingPoint | None] = {}
        for detector in self.detectors:
            tally = self._tally((detector,))
            for protocol in self.suite.protocols:
                spent = tally.seconds[detector]
                found += [(detector, protocol, number, spent) for number in tally.numbers(detector, protocol)]
            pooled = tally.rankings.get((detector, Dataset.counts_as))
            if isinstance(pooled, Dataset):
                drawn = curves_of(pooled.histogram)
                if drawn is not None:
                    curves[detector] = dataclasses.asdict(drawn)
                thresholds[detector] = {
                    "best_f1": _fields(best_f1_point(pooled.histogram)),
                    "tpr95": _fields(recall_point(pooled.histogram)),
                }
            binned = tally.rankings.get((detector, Smiyc.counts_as))
            points[detector] = best_f1_point(binned.histogram) if isinstance(binned, Smiyc) else None
        if maps is not None:
            found += self._thresholded(folder, maps, points)
        write_json(folder / "curves.json", curves)
        write_json(folder / "thresholds.json", thresholds)
        write_json(folder / "segmenter.json", segmentation(plain.confusion, self.class_names))
        found += [(SEGMENTER, "pooled", number, plain.seconds["forward"]) for number in self._quality(plain)]
        order = {name: place for place, name in enumerate((*self.detectors, SEGMENTER))}
        return [
            Row(
                self.suite.name, self.benchmark.label, detector, protocol, number.metric, number.value, number.low,
                number.high, number.images, number.pixels, number.skipped, spent, origin,
            )
            for detector, protocol, number, spent in sorted(found, key=lambda one: order[one[0]])
        ]  # fmt: skip

    def _tally(self, detectors: Sequence[str]) -> Tally:
        tally = Tally(detectors, self.suite.protocols, len(self.class_names))
        for path in self.shards:
            tally.add_file(path)
        return tally

    def _thresholded(
        self, folder: Path, maps: ScoreMaps, points: dict[str, OperatingPoint | None]
    ) -> list[tuple[str, str, Number, float]]:
        towns = [_town(record.attributes, record.id) for record in read_records(folder / "images.jsonl")]
        found: list[tuple[str, str, Number, float]] = []
        if Smiyc.name in self.suite.protocols:
            counted = component_numbers(maps, len(towns), points, TRACKS[self.benchmark.track])
            found += [(label, Smiyc.name, number, 0.0) for label, numbers in counted.items() for number in numbers]
        if self.benchmark.open_miou:
            found += [
                (label, "open", open_number(maps, towns, label, len(self.class_names)), 0.0) for label in self.detectors
            ]
        return found

    def _quality(self, tally: Tally) -> list[Number]:
        confusion = tally.confusion
        known = [place for place, name in enumerate(self.class_names) if name not in _LEFT_OVER]
        values = {
            "miou": confusion.mean_iou(),
            "miou_known": confusion.mean_iou_of(known),
            "miou_table": confusion.mean_iou_of_table(),
            "accuracy": confusion.accuracy(),
        }
        pixels = int(confusion.counts.sum())
        return [Number(name, value, value, value, tally.images, pixels, 0) for name, value in values.items()]


def segmentation(confusion: Confusion, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """IoU (None where the class does not occur) and share of counted pixels, by class name."""
    shares = confusion.counts.sum(axis=1) / max(int(confusion.counts.sum()), 1)
    return {
        name: {"iou": None if np.isnan(value) else float(value), "share": float(share)}
        for name, value, share in zip(names, confusion.iou(), shares, strict=True)
    }


def _town(attributes: dict[str, object], identity: str) -> str:
    """The town of an image: as its set tells, or the folder in its id, as StreetHazards' t5 and t6."""
    return str(attributes.get("town", identity.split("/", 1)[0]))


def _fields(point: OperatingPoint | None) -> dict[str, float] | None:
    return None if point is None else dataclasses.asdict(point)

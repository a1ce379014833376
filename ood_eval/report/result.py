"""A finished run as a report reads it: per benchmark its rows, curves, thresholds, records, classes and kept frames."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ood_eval.engine.bootstrap import Comparison
from ood_eval.engine.curves import Curves
from ood_eval.engine.row import CHANCE, SEGMENTER, Row, read_rows
from ood_eval.engine.summary import summarise
from ood_eval.errors import ResultError
from ood_eval.files import read_json
from ood_eval.store import read_lines
from ood_eval.tasks.image_record import ImageRecord


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """A class's IoU (None where it does not occur) and its share of the counted pixels."""

    iou: float | None
    share: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """An operating point: pixels with a score of at least `threshold` count as anomaly."""

    threshold: float
    precision: float
    recall: float
    fpr: float
    f1: float


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark of one run.

    Args:
        label: how it is called in headings: its benchmark.
        rows: its numbers, of every seed.
        curves: by detector; this and what follows is of the first seed.
        classes: segmentation quality by class name.
        frames: files of the gallery.
        thresholds: operating points by detector and name (best_f1, tpr95).
        records: the file of per-image records, if the run left one.
        generated: whether any image tells how it was generated.
        comparisons: detectors compared in pairs.
        skipped: benchmarks and detectors of the run that could not be scored, and why.
        titles: names of detectors as papers write them, by label.
        baselines: labels of the detectors that see no network.
        suite: what was run.
        folder: of the run, as it was given.
    """

    label: str
    rows: tuple[Row, ...]
    curves: dict[str, Curves]
    classes: dict[str, ClassQuality]
    frames: tuple[Path, ...]
    thresholds: Mapping[str, Mapping[str, Threshold | None]] = field(default_factory=dict)
    records: Path | None = None
    generated: bool = False
    comparisons: tuple[Comparison, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    baselines: tuple[str, ...] = ()
    suite: str = ""
    folder: str = ""

    def title(self, detector: str) -> str:
        """A detector's name as papers write it; its label, where the run does not say."""
        return "Chance" if detector == CHANCE else self.titles.get(detector, detector)

    @property
    def ranking_rows(self) -> tuple[Row, ...]:
        """The detectors' rows, without the segmenter's own and those of chance."""
        return tuple(row for row in self.rows if row.detector not in {SEGMENTER, CHANCE})

    @property
    def detectors(self) -> tuple[str, ...]:
        """Labels of what is compared, in the order of the suite: all but baselines; these, where nothing else is."""
        every = dict.fromkeys(row.detector for row in self.ranking_rows)
        return tuple(name for name in every if name not in self.baselines) or tuple(every)

    @property
    def references(self) -> tuple[str, ...]:
        """Labels of what the detectors are measured against: chance, and the baselines."""
        every = {row.detector for row in self.rows} - set(self.detectors)
        return tuple(name for name in (CHANCE, *self.baselines) if name in every)

    @property
    def drawn(self) -> dict[str, Curves]:
        """The curves of the detectors, without those of baselines."""
        return {name: curve for name, curve in self.curves.items() if name in self.detectors}

    @property
    def seeds(self) -> tuple[int | None, ...]:
        """The seeds of training, each once, in order."""
        return tuple(dict.fromkeys(row.provenance.seed for row in self.rows))

    def value(self, detector: str, protocol: str, metric: str) -> Row | None:
        """The row of a number, of the first seed, if the run has it."""
        wanted = (detector, protocol, metric)
        return next((row for row in self.rows if (row.detector, row.protocol, row.metric) == wanted), None)

    def spread(self, detector: str, protocol: str, metric: str) -> tuple[float, float | None]:
        """Mean over seeds, and standard deviation (n - 1; None for one seed); NaN if the run has no such number."""
        wanted = (detector, protocol, metric)
        lines = summarise(row for row in self.rows if (row.detector, row.protocol, row.metric) == wanted)
        if not lines or lines[0].mean is None:
            return math.nan, None
        return lines[0].mean, lines[0].std


def read_results(out: Path) -> tuple[Result, ...]:
    """Every benchmark in the output folder of a run, in the order in which they were run; seeds are joined.

    Raises:
        ResultError: the folder holds no finished run, or a file of it is damaged.
    """
    if not (out / "run.json").is_file():
        raise ResultError(f"{out}: holds no finished run; make one with `ood_eval run-caos --data DIR --out {out}`")
    run = _read_run(out / "run.json")
    compared = list(read_lines(out / "comparisons.jsonl", Comparison)) if (out / "comparisons.jsonl").is_file() else []
    return tuple(
        _read_benchmark(
            [out / "evaluations" / key for key in folders],
            tuple(one for one in compared if one.benchmark == benchmark or not benchmark),
            run,
            str(out),
        )
        for benchmark, folders in run.keys.items()
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What `run.json` says: keys of results by benchmark, what was skipped and why, titles, labels of baselines."""

    keys: dict[str, list[str]]
    skipped: tuple[tuple[str, str], ...]
    titles: dict[str, str]
    baselines: tuple[str, ...]
    suite: str


def _read_run(path: Path) -> _Run:
    run = read_json(path)
    keys: dict[str, list[str]] = {}
    try:
        for evaluation in run.get("evaluations") or [{"benchmark": "", "key": run["evaluation"]}]:
            keys.setdefault(str(evaluation["benchmark"]), []).append(str(evaluation["key"]))
        skipped = tuple((str(one["benchmark"]), str(one["reason"])) for one in run.get("skipped", ()))
        skipped += tuple((str(one["detector"]), str(one["reason"])) for one in run.get("left_out", ()))
        titles = {str(label): str(title) for label, title in run.get("titles", {}).items()}
        baselines = tuple(str(label) for label in run.get("baselines", ()))
        suite = run.get("suite", "")
        named = str(suite["name"] if isinstance(suite, dict) else suite)
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultError(f"{path}: damaged, or of an earlier version; delete it and run again") from error
    return _Run(keys, skipped, titles, baselines, named)


def _read_benchmark(folders: list[Path], comparisons: tuple[Comparison, ...], run: _Run, out: str) -> Result:
    first = folders[0]
    rows = tuple(row for folder in folders for row in read_rows(folder / "rows.jsonl"))
    if not any(row.detector != SEGMENTER for row in rows):
        raise ResultError(f"{first}: holds no numbers of a detector; delete it and run again")
    curves: dict[str, Curves] = _typed(first / "curves.json", dict[str, Curves])
    order = {name: place for place, name in enumerate(dict.fromkeys(row.detector for row in rows))}
    records = first / "images.jsonl"
    thresholds = first / "thresholds.json"
    ranked = next(row for row in rows if row.detector != SEGMENTER)
    return Result(
        label=ranked.benchmark,
        rows=rows,
        curves={name: curves[name] for name in sorted(curves, key=lambda name: order.get(name, len(order)))},
        classes=_seen(_typed(first / "segmenter.json", dict[str, ClassQuality])),
        frames=tuple(sorted((first / "gallery").glob("*.npz"))),
        thresholds=_typed(thresholds, dict[str, dict[str, Threshold | None]]) if thresholds.is_file() else {},
        records=records if records.is_file() else None,
        generated=records.is_file() and _tells(records),
        comparisons=comparisons,
        skipped=run.skipped,
        titles=run.titles,
        baselines=run.baselines,
        suite=run.suite,
        folder=out,
    )


def _tells(records: Path) -> bool:
    """Whether the records say how their images were made; the first does, if any. Real sets know a scene at most."""
    first = next(read_lines(records, ImageRecord), None)
    return first is not None and bool(first.objects or "scenario" in first.attributes or "weather" in first.attributes)


def _seen(classes: dict[str, ClassQuality]) -> dict[str, ClassQuality]:
    """The classes; none where the set has no class labels, so that no pixel was counted."""
    return classes if any(quality.share > 0 for quality in classes.values()) else {}


def _typed(path: Path, kind: Any) -> Any:  # noqa: ANN401
    try:
        return TypeAdapter(kind).validate_python(read_json(path))
    except ValidationError as error:
        raise ResultError(f"{path}: damaged; delete it and run again") from error


def named(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results, with the folder of the run in the label of those that would be called alike."""
    count = Counter(result.label for result in results)
    return tuple(
        replace(one, label=f"{one.label} ({one.folder})") if count[one.label] > 1 and one.folder else one
        for one in results
    )

"""A finished run as a report reads it: rows, curves, classes and kept frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ood_eval.errors import ResultError
from ood_eval.experiment.curves import Curves
from ood_eval.experiment.row import Row, read_rows
from ood_eval.files import read_json


@dataclass(frozen=True, slots=True)
class ClassQuality:
    """A class's IoU (None where it does not occur) and its share of the counted pixels."""

    iou: float | None
    share: float


@dataclass(frozen=True, slots=True)
class Result:
    """One run.

    Args:
        label: how the run is called in tables.
        rows: its numbers.
        curves: by detector.
        classes: segmentation quality by class name.
        frames: files of the gallery.
    """

    label: str
    rows: tuple[Row, ...]
    curves: dict[str, Curves]
    classes: dict[str, ClassQuality]
    frames: tuple[Path, ...]

    def value(self, detector: str, protocol: str, metric: str) -> Row | None:
        """The row of a number, if the run has it."""
        wanted = (detector, protocol, metric)
        return next((row for row in self.rows if (row.detector, row.protocol, row.metric) == wanted), None)


def read_result(out: Path) -> Result:
    """The latest evaluation in the output folder of a run.

    Raises:
        ResultError: the folder holds no finished run, or a file of it is damaged.
    """
    if not (out / "run.json").is_file():
        raise ResultError(f"{out}: holds no finished run; make one with `ood_eval run-caos --data DIR --out {out}`")
    folder = out / "evaluations" / str(read_json(out / "run.json").get("evaluation"))
    try:
        curves = TypeAdapter(dict[str, Curves]).validate_python(read_json(folder / "curves.json"))
        classes = TypeAdapter(dict[str, ClassQuality]).validate_python(read_json(folder / "segmenter.json"))
    except ValidationError as error:
        raise ResultError(f"{folder}: damaged; delete it and run again") from error
    rows = tuple(read_rows(folder / "rows.jsonl"))
    order = {name: place for place, name in enumerate(dict.fromkeys(row.detector for row in rows))}
    curves = {name: curves[name] for name in sorted(curves, key=lambda name: order.get(name, len(order)))}
    frames = tuple(sorted((folder / "gallery").glob("*.npz")))
    return Result(out.name or str(out), rows, curves, classes, frames)

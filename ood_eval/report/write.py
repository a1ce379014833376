"""A report on disk: Markdown with figures beside it, and the same as one self-contained page."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import jinja2

from ood_eval.errors import ResultError
from ood_eval.experiment.gallery import load_frame
from ood_eval.files import write_text
from ood_eval.report.figures import draw_curves, draw_distributions, draw_gallery
from ood_eval.report.result import Result
from ood_eval.report.table import METRICS, Table, detectors_of, markdown_table, table_of, title_of

_SHOWN: Final = 3
PROTOCOL_WORDS: Final = {
    "caos": "the mean over images of each image's own value (CAOS; FPR at the recall nearest to 95 %)",
    "dataset": "all pixels of the set in one ranking (FPR at the first recall of at least 95 %)",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One run in a report: its table, its classes and its figures (file name and caption)."""

    label: str
    table: Table
    protocols: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str, str], ...]
    figures: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]


def write_report(results: Sequence[Result], folder: Path) -> Path:
    """Writes `report.md`, `index.html` and the figures of every run, and returns the Markdown file.

    Raises:
        ResultError: there is no run, or the folder cannot be written.
    """
    if not results:
        raise ResultError("no runs to report on; give at least one output folder")
    sections = [
        _section(result, folder, f"{place}-" if len(results) > 1 else "") for place, result in enumerate(results)
    ]
    page = _environment().get_template("report.html.jinja")
    write_text(folder / "index.html", page.render(sections=sections, metrics=METRICS, embed=_embedder(folder)))
    write_text(folder / "report.md", _markdown(sections))
    return folder / "report.md"


def best_detectors(result: Result, count: int = _SHOWN) -> list[str]:
    """The detectors with the highest AUPR, best first; pooled if the run has that, else as it has."""
    protocol = "dataset" if any(row.protocol == "dataset" for row in result.rows) else "caos"

    def rank(name: str) -> float:
        row = result.value(name, protocol, "aupr")
        return -1.0 if row is None or math.isnan(row.value) else row.value

    return sorted(detectors_of(result), key=rank, reverse=True)[:count]


def _section(result: Result, folder: Path, mark: str) -> Section:
    table = table_of(result)
    figures = []
    if result.curves:
        pooled = {}
        for name in result.curves:
            pair = [result.value(name, "dataset", metric) for metric in ("auroc", "aupr")]
            if pair[0] is not None and pair[1] is not None:
                pooled[name] = (pair[0].value, pair[1].value)
        draw_curves(folder / f"{mark}curves.png", result.curves, pooled)
        figures.append((f"{mark}curves.png", "ROC and precision-recall curves over all pixels of the set."))
        draw_distributions(folder / f"{mark}scores.png", result.curves)
        figures.append((f"{mark}scores.png", "Scores of known and of anomalous pixels, each summing to one."))
    if result.frames:
        shown = best_detectors(result)
        draw_gallery(folder / f"{mark}gallery.png", [load_frame(path) for path in result.frames], shown)
        names = ", ".join(map(title_of, shown))
        caption = f"Image, ground truth (anomaly red), and the score maps of the best by AUPR: {names}."
        figures.append((f"{mark}gallery.png", caption))
    return Section(
        result.label,
        table,
        tuple((name, PROTOCOL_WORDS.get(name, name)) for name in table.protocols),
        tuple(
            (name, "–" if quality.iou is None else f"{100 * quality.iou:.1f}", f"{100 * quality.share:.2f}")
            for name, quality in result.classes.items()
        ),
        tuple(figures),
        _provenance(result),
    )


def _provenance(result: Result) -> tuple[tuple[str, str], ...]:
    origin = result.rows[0].provenance
    versions = ", ".join(f"{name} {number}" for name, number in sorted(origin.versions.items()))
    return (
        ("configuration", origin.config_hash),
        ("data", origin.data_hash[:16]),
        ("checkpoint", origin.checkpoint_hash[:16]),
        ("seed of training", "given checkpoint" if origin.seed is None else str(origin.seed)),
        ("versions", versions),
    )


def _markdown(sections: Sequence[Section]) -> str:
    lines = ["# Anomaly segmentation", ""]
    for section in sections:
        lines += [f"## {section.label}", "", markdown_table(section.table), "", section.table.note, ""]
        lines += [f"- `{name}`: {words}." for name, words in section.protocols] + [""]
        for name, caption in section.figures:
            lines += [f"![{caption}]({name})", "", f"*{caption}*", ""]
        lines += ["### Segmentation", "", "| Class | IoU | share of pixels |", "| --- | ---: | ---: |"]
        lines += [f"| {name} | {iou} | {share} |" for name, iou, share in section.classes] + [""]
        lines += ["### Where the numbers come from", ""]
        lines += [f"- {name}: `{value}`" for name, value in section.provenance] + [""]
    return "\n".join(lines)


def _environment() -> jinja2.Environment:
    files = resources.files("ood_eval.report") / "templates"
    loader = jinja2.FunctionLoader(lambda name: (files / name).read_text(encoding="utf-8"))
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)


def _embedder(folder: Path) -> Callable[[str], str]:
    def embed(name: str) -> str:
        return "data:image/png;base64," + base64.b64encode((folder / name).read_bytes()).decode()

    return embed

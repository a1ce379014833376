"""A report on disk: one page, Markdown with figures beside it, LaTeX and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ood_eval.errors import ResultError
from ood_eval.files import write_json, write_text
from ood_eval.report.figures import draw_curves, draw_distributions, draw_gallery
from ood_eval.report.overview import overview_of
from ood_eval.report.page import page_of
from ood_eval.report.result import Result, named
from ood_eval.report.section import best_detectors, section_of
from ood_eval.report.table import curve_protocol
from ood_eval.report.texts import json_of, latex_of, markdown_of
from ood_eval.tasks.gallery import load_frame

_SHOWN: Final = 3
_FRAMES: Final = 8


def write_report(results: Sequence[Result], folder: Path) -> Path:
    """Writes `index.html`, `report.md` with its figures, `report.tex` and `report.json`; returns the Markdown file.

    Raises:
        ResultError: there is no run, a file of a run is damaged, or the folder cannot be written.
    """
    if not results:
        raise ResultError("no runs to report on; give at least one output folder")
    results = named(results)
    sections = [section_of(result, f"s{place}") for place, result in enumerate(results)]
    overview = overview_of(results)
    figures = {
        section.key: _figures(result, folder, f"{section.key}-" if len(results) > 1 else "")
        for result, section in zip(results, sections, strict=True)
    }
    write_text(folder / "index.html", page_of(sections, overview))
    write_text(folder / "report.md", markdown_of(sections, overview, figures))
    write_text(folder / "report.tex", latex_of(sections))
    write_json(folder / "report.json", json_of(results, sections))
    return folder / "report.md"


def _figures(result: Result, folder: Path, mark: str) -> list[tuple[str, str]]:
    """Draws what Markdown shows; file and caption of each."""
    figures = []
    curves = result.drawn
    if curves:
        pooled, protocol = {}, curve_protocol(row.protocol for row in result.ranking_rows)
        for name in curves:
            pair = [protocol and result.value(name, protocol, metric) for metric in ("auroc", "aupr")]
            if pair[0] and pair[1]:
                pooled[name] = (pair[0].value, pair[1].value)
        draw_curves(folder / f"{mark}curves.png", curves, pooled, result.title)
        figures.append((f"{mark}curves.png", "ROC and precision-recall curves over all pixels of the set."))
        draw_distributions(folder / f"{mark}scores.png", curves, result.title)
        figures.append((f"{mark}scores.png", "Scores of known and of anomalous pixels, each summing to one."))
    if result.frames:
        shown = best_detectors(result, _SHOWN)
        frames = [load_frame(path) for path in result.frames[:_FRAMES]]
        draw_gallery(folder / f"{mark}gallery.png", frames, shown, result.title)
        names = ", ".join(map(result.title, shown))
        caption = f"Image, ground truth (anomaly red), and the score maps of the best by AUPR: {names}."
        figures.append((f"{mark}gallery.png", caption))
    return figures

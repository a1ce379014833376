"""The table of detectors by protocol and metric, as values first and as text after."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ood_eval.experiment.run import SEGMENTER
from ood_eval.report.result import Result

# Metric, its heading, and whether larger is better.
METRICS: Final = (("auroc", "AUROC ↑", True), ("aupr", "AUPR ↑", True), ("fpr95", "FPR95 ↓", False))
PROTOCOL_TITLES: Final = {"caos": "caos: mean over images", "dataset": "dataset: all pixels"}
DETECTOR_TITLES: Final = {
    "msp": "MSP",
    "maxlogit": "MaxLogit",
    "background": "Background",
    "energy": "Energy",
    "entropy": "Entropy",
    "logit_avg": "LogitAvg",
    "kl_matching": "KL matching",
    "standardized_max_logits": "SML",
    "mahalanobis": "Mahalanobis",
    "knn": "kNN",
    "odin": "ODIN",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A number in percent as text, and whether it is the best of its column."""

    text: str
    best: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Heading of two levels and a line per detector; `note` says what was counted."""

    protocols: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]
    note: str


def title_of(detector: str) -> str:
    """A detector's name as papers write it."""
    name, mark, options = detector.partition("(")
    return DETECTOR_TITLES.get(name, name.rpartition(":")[2]) + (f" ({options}" if mark else "")


def detectors_of(result: Result) -> list[str]:
    """Labels of a result's detectors, in the order of its suite."""
    return list(dict.fromkeys(row.detector for row in result.rows if row.detector != SEGMENTER))


def table_of(result: Result) -> Table:
    """The table of a run; the best of a column is marked as printed, so equal texts are equally best."""
    protocols = tuple(dict.fromkeys(row.protocol for row in result.rows if row.detector != SEGMENTER))
    detectors = detectors_of(result)
    columns = []
    for protocol in protocols:
        for metric, _, larger in METRICS:
            found = [result.value(detector, protocol, metric) for detector in detectors]
            values = [math.nan if row is None else round(100.0 * row.value, 1) for row in found]
            real = [value for value in values if not math.isnan(value)]
            best = (max(real) if larger else min(real)) if real else math.nan
            columns.append([Cell("–" if math.isnan(v) else f"{v:.1f}", v == best) for v in values])
    lines = tuple((title_of(name), tuple(column[i] for column in columns)) for i, name in enumerate(detectors))
    return Table(protocols, lines, note_of(result))


def note_of(result: Result) -> str:
    """Images, pixels, skipped images, dropped pixels and the segmenter's quality, in one sentence each."""
    parts = ["All numbers in percent."]
    first = next(row for row in result.rows if row.detector != SEGMENTER)
    for protocol in dict.fromkeys(row.protocol for row in result.rows if row.detector != SEGMENTER):
        row = result.value(first.detector, protocol, "auroc")
        if row is not None:
            skipped = f", {row.skipped} without anomaly skipped" if row.skipped else ""
            parts.append(f"{protocol}: {row.images} images, {row.pixels:,} pixels{skipped}.")
    miou = result.value(SEGMENTER, "pooled", "miou")
    if miou is not None and not math.isnan(miou.value):
        parts.append(f"Segmenter: mIoU {100 * miou.value:.1f} over known pixels.")
    dropped = first.provenance.dropped_share
    parts.append(f"Label policy {first.provenance.policy}, {100 * dropped:.2f} % of pixels dropped.")
    return " ".join(parts)


def markdown_table(table: Table) -> str:
    """The table in Markdown, best in bold."""
    head = [f"{title} ({protocol})" for protocol in table.protocols for _, title, _ in METRICS]
    lines = ["| Detector | " + " | ".join(head) + " |", "| --- |" + " ---: |" * len(head)]
    for name, cells in table.lines:
        texts = (f"**{cell.text}**" if cell.best else cell.text for cell in cells)
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines)

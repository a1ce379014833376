"""The table of detectors by protocol and metric, as values first and as text after."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ood_eval.engine.row import SEGMENTER
from ood_eval.metrics import OPEN, OPEN_WORDS, PROTOCOLS, USUAL, Metric
from ood_eval.report.published import Published, published_for
from ood_eval.report.result import Result
from ood_eval.report.result import detectors_of as _detectors_of

# Metric, its heading, and whether larger is better.
METRICS: Final = tuple((metric.name, metric.title, metric.larger_is_better) for metric in USUAL)
ABSENT: Final = "–"


@dataclass(frozen=True, slots=True)
class Entry:
    """A number in percent as text, and whether it is the best of its column; `spread` is its deviation over seeds."""

    text: str
    best: bool
    spread: str = ""

    @property
    def whole(self) -> str:
        """Value and deviation."""
        return f"{self.text} ± {self.spread}" if self.spread else self.text


@dataclass(frozen=True, slots=True)
class Table:
    """Heading of two levels and a line per detector; `note` says what was counted.

    `published` are the paper's texts of each line, empty where it lacks the detector; `missing` are lines of detectors
    that only the paper has.
    """

    protocols: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Entry, ...]], ...]
    note: str
    source: Published
    published: tuple[tuple[Entry, ...], ...]
    missing: tuple[tuple[str, tuple[Entry, ...]], ...]


def detectors_of(result: Result) -> list[str]:
    """Labels of a result's detectors, in the order of its suite."""
    return _detectors_of([result])


def main_protocols(result: Result) -> tuple[str, ...]:
    """The protocols of the main table: the usual two, or the first two that the run has."""
    found = tuple(dict.fromkeys(row.protocol for row in result.ranking_rows if row.metric == "auroc"))
    return tuple(name for name, kind in PROTOCOLS.items() if kind.in_main_table and name in found) or found[:2]


def curve_protocol(names: Iterable[str]) -> str | None:
    """The one of some protocols whose numbers are those of the drawn curves, if any is."""
    return next((name for name in names if name in PROTOCOLS and PROTOCOLS[name].beside_curves), None)


def protocol_title(name: str) -> str:
    """The heading of a protocol's block of columns."""
    return PROTOCOLS[name].title if name in PROTOCOLS else name


def protocol_words(name: str) -> str:
    """What a protocol counts, in a sentence."""
    return PROTOCOLS[name].words if name in PROTOCOLS else OPEN_WORDS if name == OPEN else name


def larger_is_better(protocol: str, metric: str) -> bool:
    """Whether a larger value of a protocol's metric is the better one."""
    known: tuple[Metric, ...] = PROTOCOLS[protocol].metrics if protocol in PROTOCOLS else ()
    return next((one.larger_is_better for one in known if one.name == metric), True)


def column_of(numbers: Sequence[tuple[float, float | None]], *, larger: bool) -> list[Entry]:
    """Shares and their deviations as percent; the best is marked as printed, so equal texts are equally best."""
    values = [round(100.0 * mean, 1) for mean, _ in numbers]
    real = [value for value in values if not math.isnan(value)]
    best = (max(real) if larger else min(real)) if real else math.nan
    return [
        Entry(
            ABSENT if math.isnan(value) else f"{value:.1f}",
            value == best,
            "" if deviation is None or math.isnan(deviation) else f"{100.0 * deviation:.1f}",
        )
        for value, (_, deviation) in zip(values, numbers, strict=True)
    ]


def table_of(result: Result) -> Table:
    """The table of a run with the paper's numbers beside."""
    protocols = main_protocols(result)
    detectors = detectors_of(result)
    columns = [
        column_of([result.spread(detector, protocol, metric) for detector in detectors], larger=larger)
        for protocol in protocols
        for metric, _, larger in METRICS
    ]
    lines = tuple((result.title(name), tuple(column[i] for column in columns)) for i, name in enumerate(detectors))
    source = published_for(result)
    of_paper = {name: source.of(name) for name in detectors}
    missing = source.without(detectors)
    every = [*of_paper.values(), *missing.values()]
    nothing = (math.nan, math.nan, math.nan)
    theirs = [
        column_of([((found or nothing)[place] / 100.0, None) for found in every], larger=larger)
        for place, (_, _, larger) in enumerate(METRICS)
    ]
    cells = [tuple(column[i] for column in theirs) for i in range(len(every))]
    return Table(
        protocols,
        lines,
        note_of(result),
        source,
        tuple(cells[: len(detectors)]),
        tuple((source.titles[name], line) for name, line in zip(missing, cells[len(detectors) :], strict=True)),
    )


def note_of(result: Result) -> str:
    """Images, pixels, skipped images, dropped pixels, seeds and the segmenter's quality, in one sentence each."""
    parts = ["All numbers in percent."]
    first = result.ranking_rows[0]
    for protocol in main_protocols(result):
        row = result.value(first.detector, protocol, "auroc")
        if row is not None:
            skipped = f", {row.skipped} without both kinds skipped" if row.skipped else ""
            parts.append(f"{protocol}: {row.images} images, {row.pixels:,} pixels{skipped}.")
    seeds = [seed for seed in result.seeds if seed is not None]
    if len(seeds) > 1:
        parts.append(f"Mean ± standard deviation over {len(seeds)} seeds ({', '.join(map(str, seeds))}).")
    miou, deviation = result.spread(SEGMENTER, "pooled", "miou")
    if not math.isnan(miou):
        width = f" ± {100 * deviation:.1f}" if deviation is not None else ""
        parts.append(f"Segmenter: mIoU {100 * miou:.1f}{width} over known pixels.")
    dropped = first.provenance.dropped_share
    policy = f"Label policy {first.provenance.policy}, " if first.provenance.policy else ""
    parts.append(f"{policy}{100 * dropped:.2f} % of pixels dropped.")
    return " ".join(parts)


def markdown_table(table: Table, *, paper: bool = False) -> str:
    """The table in Markdown, best in bold; with the paper's columns if asked for."""
    head = [f"{title} ({protocol})" for protocol in table.protocols for _, title, _ in METRICS]
    head += [f"{title} (paper)" for _, title, _ in METRICS] if paper else []
    lines = ["| Detector | " + " | ".join(head) + " |", "| --- |" + " ---: |" * len(head)]
    for (name, cells), theirs in zip(table.lines, table.published, strict=True):
        lines.append(_markdown_line(name, (*cells, *theirs) if paper else cells))
    if paper:
        width = len(head) - len(METRICS)
        lines += [
            _markdown_line(f"{name} (paper only)", (*(Entry(ABSENT, best=False),) * width, *cells))
            for name, cells in table.missing
        ]
    return "\n".join(lines)


def _markdown_line(name: str, cells: Sequence[Entry]) -> str:
    texts = (f"**{cell.whole}**" if cell.best else cell.whole for cell in cells)
    return f"| {name} | " + " | ".join(texts) + " |"

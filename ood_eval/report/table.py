"""The table of detectors by protocol and metric, as values first and as text after."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ood_eval.engine.row import CHANCE, SEGMENTER
from ood_eval.metrics import OPEN, OPEN_WORDS, PROTOCOLS, USUAL, Metric
from ood_eval.report.entry import ABSENT, Entry, column_of, columns_of, legend_of
from ood_eval.report.published import Published, published_for
from ood_eval.report.result import Result

# Metric, its heading, and whether larger is better.
METRICS: Final = tuple((metric.name, metric.title, metric.larger_is_better) for metric in USUAL)


@dataclass(frozen=True, slots=True)
class Block:
    """Columns under one heading: a protocol and the metrics that are shown of it."""

    protocol: str
    title: str
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Heading of two levels and a line per detector; `note` says what was counted.

    `references` are lines of chance and of what sees no network. `published` are the paper's texts of each line, empty
    where it lacks the detector; `missing` are lines of detectors that only the paper has; all none where the set is not
    one of the paper's.
    """

    blocks: tuple[Block, ...]
    lines: tuple[tuple[str, tuple[Entry, ...]], ...]
    references: tuple[tuple[str, tuple[Entry, ...]], ...]
    note: str
    source: Published | None
    published: tuple[tuple[Entry, ...], ...]
    missing: tuple[tuple[str, tuple[Entry, ...]], ...]

    @property
    def protocols(self) -> tuple[str, ...]:
        """Of the blocks."""
        return tuple(block.protocol for block in self.blocks)

    @property
    def width(self) -> int:
        """How many columns of own numbers there are."""
        return sum(len(block.metrics) for block in self.blocks)

    @property
    def firsts(self) -> frozenset[int]:
        """Places of the columns that begin a block."""
        return frozenset(sum(len(block.metrics) for block in self.blocks[:place]) for place in range(len(self.blocks)))


def main_protocols(result: Result) -> tuple[str, ...]:
    """The protocols of the main table: the usual ones, or the first two that the run has."""
    found = tuple(dict.fromkeys(row.protocol for row in result.ranking_rows if row.metric == "auroc"))
    return tuple(name for name, kind in PROTOCOLS.items() if kind.in_main_table and name in found) or found[:2]


def blocks_of(result: Result) -> tuple[Block, ...]:
    """The blocks of the main table."""
    return tuple(
        Block(name, protocol_title(name), PROTOCOLS[name].shown if name in PROTOCOLS else USUAL)
        for name in main_protocols(result)
    )


def curve_protocol(names: Iterable[str]) -> str | None:
    """The one of some protocols whose numbers are those of the drawn curves, if any is."""
    return next((name for name in names if name in PROTOCOLS and PROTOCOLS[name].beside_curves), None)


def protocol_title(name: str) -> str:
    """The heading of a protocol's block of columns."""
    return PROTOCOLS[name].title if name in PROTOCOLS else name


def protocol_words(name: str) -> str:
    """What a protocol counts, in a sentence."""
    return PROTOCOLS[name].words if name in PROTOCOLS else OPEN_WORDS if name == OPEN else name


def table_of(result: Result) -> Table:
    """The table of a run, with the paper's numbers beside where they are of the same set."""
    blocks = blocks_of(result)
    columns = columns_of(result, [(block.protocol, metric.name) for block in blocks for metric in block.metrics])
    note = " ".join(filter(None, (note_of(result), legend_of(result, columns))))
    source = published_for(result)
    if source is None:
        return Table(blocks, columns.lines, columns.references, note, None, ((),) * len(columns.lines), ())
    of_paper = {name: source.of(name) for name in result.detectors}
    missing = source.without(result.detectors)
    every = [*of_paper.values(), *missing.values()]
    nothing = (math.nan, math.nan, math.nan)
    theirs = [
        column_of([((found or nothing)[place] / 100.0, None) for found in every], larger=larger)
        for place, (_, _, larger) in enumerate(METRICS)
    ]
    cells = [tuple(column[i] for column in theirs) for i in range(len(every))]
    return Table(
        blocks,
        columns.lines,
        columns.references,
        note,
        source,
        tuple(cells[: len(of_paper)]),
        tuple((source.titles[name], line) for name, line in zip(missing, cells[len(of_paper) :], strict=True)),
    )


def note_of(result: Result) -> str:
    """Images, pixels, base rate, skipped images, dropped pixels, seeds and the segmenter's quality, a sentence each."""
    parts = ["All numbers in percent."]
    first = result.ranking_rows[0]
    counted: dict[str, list[str]] = {}
    for protocol in main_protocols(result):
        row = result.value(first.detector, protocol, "auroc")
        if row is not None:
            skipped = f", {row.skipped} without both kinds skipped" if row.skipped else ""
            base = result.spread(CHANCE, protocol, "aupr")[0]
            share = "" if math.isnan(base) else f", base rate {_rate(base)}"
            images = "1 image" if row.images == 1 else f"{row.images} images"
            counted.setdefault(f"{images}, {row.pixels:,} pixels{share}{skipped}.", []).append(protocol)
    parts += [f"{', '.join(protocols)}: {words}" for words, protocols in counted.items()]
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


def _rate(share: float) -> str:
    """A share of anomalous pixels in percent, with two digits that say something."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def markdown_table(table: Table, *, paper: bool = False) -> str:
    """The table in Markdown, best in bold, references in italics; with the paper's columns if asked for."""
    with_paper = paper and table.source is not None
    head = [f"{metric.title} ({block.protocol})" for block in table.blocks for metric in block.metrics]
    head += [f"{title} (paper)" for _, title, _ in METRICS] if with_paper else []
    lines = ["| Detector | " + " | ".join(head) + " |", "| --- |" + " ---: |" * len(head)]
    for (name, cells), theirs in zip(table.lines, table.published, strict=True):
        lines.append(_markdown_line(name, (*cells, *theirs) if with_paper else cells))
    nothing = (Entry(ABSENT, best=False),)
    for name, cells in table.references:
        lines.append(_markdown_line(f"*{name}*", (*cells, *nothing * len(METRICS)) if with_paper else cells))
    if with_paper:
        lines += [
            _markdown_line(f"{name} (paper only)", (*nothing * table.width, *cells)) for name, cells in table.missing
        ]
    return "\n".join(lines)


def _markdown_line(name: str, cells: Sequence[Entry]) -> str:
    texts = (f"**{cell.whole}**" if cell.best else cell.whole for cell in cells)
    return f"| {name} | " + " | ".join(texts) + " |"

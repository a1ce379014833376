"""Several results side by side, a line per detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ood_eval.report.entry import ABSENT, Entry, columns_of, legend_of
from ood_eval.report.result import Result
from ood_eval.report.table import Block, blocks_of, curve_protocol


@dataclass(frozen=True, slots=True)
class Overview:
    """A block of columns per result, a line per detector of any of them, and one per reference."""

    labels: tuple[str, ...]
    blocks: tuple[Block, ...]
    lines: tuple[tuple[str, tuple[Entry, ...]], ...]
    references: tuple[tuple[str, tuple[Entry, ...]], ...]
    note: str

    @property
    def firsts(self) -> frozenset[int]:
        """Places of the columns that begin a block."""
        return frozenset(sum(len(block.metrics) for block in self.blocks[:place]) for place in range(len(self.blocks)))


def overview_of(results: Sequence[Result]) -> Overview | None:
    """The table of all results, each under all its pixels where it has that; None for a single result."""
    if len(results) < 2:
        return None
    blocks = [_block(result) for result in results]
    tables = [
        columns_of(result, [(block.protocol, metric.name) for metric in block.metrics])
        for result, block in zip(results, blocks, strict=True)
    ]
    names = tuple(dict.fromkeys(name for table in tables for name, _ in table.lines))
    beside = tuple(dict.fromkeys(name for table in tables for name, _ in table.references))
    nothing = Entry(ABSENT, best=False)

    def joined(name: str, parts: Sequence[dict[str, tuple[Entry, ...]]]) -> tuple[str, tuple[Entry, ...]]:
        cells = [part.get(name, (nothing,) * len(block.metrics)) for part, block in zip(parts, blocks, strict=True)]
        return name, tuple(cell for line in cells for cell in line)

    lines, references = [dict(table.lines) for table in tables], [dict(table.references) for table in tables]
    protocols = ", ".join(dict.fromkeys(block.protocol for block in blocks))
    legends = max((legend_of(*pair) for pair in zip(results, tables, strict=True)), key=len)
    note = (
        f"In percent, under the protocol {protocols}; best of each column marked. Compare down, not across. {legends}"
    )
    return Overview(
        tuple(result.label for result in results),
        tuple(blocks),
        tuple(joined(name, lines) for name in names),
        tuple(joined(name, references) for name in beside),
        note.strip(),
    )


def _block(result: Result) -> Block:
    blocks = blocks_of(result)
    pooled = curve_protocol(block.protocol for block in blocks)
    return next((block for block in blocks if block.protocol == pooled), blocks[-1])

"""The table of a run as lines of text on stdout, in colour on a terminal and 120 columns wide elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import rich.box
import rich.console
import rich.markup
import rich.measure
import rich.table

from ood_eval.report.entry import Entry
from ood_eval.report.result import Result
from ood_eval.report.table import Block, Table, table_of

_COLOURS: Final = ("cyan", "green", "magenta")
_UNBOUNDED: Final = 10_000


def print_table(result: Result) -> None:
    """Prints the table of a run on stdout, best in bold, what sees no network below a line.

    Blocks of columns, one per protocol, stand beside one another where there is room, else below one another.
    """
    table = table_of(result)
    console = rich.console.Console(highlight=False, width=None)
    if not console.is_terminal:
        console = rich.console.Console(highlight=False, width=120)
    whole = _grid(table, table.blocks, result.label)
    wanted = rich.measure.Measurement.get(console, console.options.update_width(_UNBOUNDED), whole).maximum
    if wanted <= console.width:
        console.print(whole)
    else:
        for place, block in enumerate(table.blocks):
            console.print(_grid(table, (block,), result.label if place == 0 else ""))
    console.print(f"* best of its column. {table.note}", soft_wrap=False)


def _grid(table: Table, blocks: Sequence[Block], title: str) -> rich.table.Table:
    grid = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=title or None, title_justify="left")
    grid.add_column("Detector", overflow="fold")
    places = []
    for number, block in enumerate(table.blocks):
        first = sum(len(one.metrics) for one in table.blocks[:number])
        if block not in blocks:
            continue
        for place, metric in enumerate(block.metrics):
            above = block.title.split(":")[0] if place == 0 else ""
            colour = _COLOURS[number % len(_COLOURS)]
            grid.add_column(f"{above}\n{metric.title}", justify="right", style=colour, no_wrap=True)
            places.append(first + place)
    for name, cells in table.lines:
        grid.add_row(rich.markup.escape(name), *(_text(cells[place]) for place in places))
    if table.references:
        grid.add_section()
    for name, cells in table.references:
        grid.add_row(rich.markup.escape(name), *(f"{cells[place].whole}  " for place in places), style="dim")
    return grid


def _text(cell: Entry) -> str:
    return f"[bold]{cell.whole} *[/bold]" if cell.best else f"{cell.whole}  "

"""The table of a run as lines of text on stdout, in colour on a terminal and 120 columns wide elsewhere."""

from __future__ import annotations

import rich.box
import rich.console
import rich.table

from ood_eval.report.result import Result
from ood_eval.report.table import METRICS, protocol_title, table_of


def print_table(result: Result) -> None:
    """Prints the table of a run on stdout, best in bold; one block of columns per protocol."""
    table = table_of(result)
    console = rich.console.Console(highlight=False, width=None)
    if not console.is_terminal:
        console = rich.console.Console(highlight=False, width=120)
    grid = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=result.label, title_justify="left")
    grid.add_column("Detector")
    for place, protocol in enumerate(table.protocols):
        heading = protocol_title(protocol)
        for metric, (_, title, _) in enumerate(METRICS):
            above = heading.split(":")[0] if metric == 0 else ""
            grid.add_column(f"{above}\n{title}", justify="right", style="cyan" if place % 2 == 0 else "green")
    for name, cells in table.lines:
        grid.add_row(name, *(f"[bold]{cell.whole} *[/bold]" if cell.best else f"{cell.whole}  " for cell in cells))
    console.print(grid)
    console.print(f"* best of its column. {table.note}", soft_wrap=False)

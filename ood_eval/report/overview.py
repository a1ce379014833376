"""Several results side by side, a line per detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ood_eval.report.result import Result, detectors_of
from ood_eval.report.table import METRICS, Entry, column_of, main_protocols


@dataclass(frozen=True, slots=True)
class Overview:
    """A block of columns per result, a line per detector of any of them."""

    labels: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Entry, ...]], ...]
    note: str


def overview_of(results: Sequence[Result]) -> Overview | None:
    """The table of all results under the last of each one's main protocols; None for a single result."""
    if len(results) < 2:
        return None
    names = detectors_of(results)
    used = [main_protocols(result)[-1] for result in results]
    columns = [
        column_of([result.spread(name, protocol, metric) for name in names], larger=larger)
        for result, protocol in zip(results, used, strict=True)
        for metric, _, larger in METRICS
    ]
    titles = {label: title for result in reversed(results) for label, title in result.titles.items()}
    lines = tuple((titles.get(name, name), tuple(column[i] for column in columns)) for i, name in enumerate(names))
    protocols = ", ".join(dict.fromkeys(used))
    note = f"In percent, under the protocol {protocols}; best of each column marked. Compare down, not across."
    return Overview(tuple(result.label for result in results), lines, note)

"""Mean and deviation of every number over training runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ood_eval.engine.row import Row


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One number over training runs; `std` with n - 1 in its denominator, None for a single run.

    `seeds` and `values` go together, one per run; an undefined value is None and makes the mean None.
    """

    benchmark: str
    detector: str
    protocol: str
    metric: str
    mean: float | None
    std: float | None
    seeds: tuple[int | None, ...]
    values: tuple[float | None, ...]


def summarise(rows: Iterable[Row]) -> list[SummaryLine]:
    """A line per benchmark, detector, protocol and metric, in the order in which they first occur."""
    groups: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.benchmark, row.detector, row.protocol, row.metric), []).append(row)
    return [_line(key, members) for key, members in groups.items()]


def _line(key: tuple[str, str, str, str], rows: Sequence[Row]) -> SummaryLine:
    values = [row.value for row in rows]
    defined = not any(math.isnan(value) for value in values)
    return SummaryLine(
        *key,
        mean=statistics.fmean(values) if defined else None,
        std=statistics.stdev(values) if defined and len(values) > 1 else None,
        seeds=tuple(row.provenance.seed for row in rows),
        values=tuple(None if math.isnan(value) else value for value in values),
    )

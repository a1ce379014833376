"""Detectors compared in pairs: which differences are larger than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ood_eval.engine.bootstrap import Comparison
from ood_eval.report.entry import ABSENT
from ood_eval.report.result import Result
from ood_eval.report.table import METRICS

LEVEL: Final = 0.05
_TITLES: Final = {metric: (title, larger) for metric, title, larger in METRICS}


@dataclass(frozen=True, slots=True)
class PairCell:
    """A difference in points of percent; `kind` is best where the line's detector is surely better, else empty."""

    text: str
    kind: str = ""
    interval: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class PairTable:
    """One metric: the difference of each line's detector to each column's."""

    metric: str
    title: str
    names: tuple[str, ...]
    lines: tuple[tuple[str, tuple[PairCell, ...]], ...]
    note: str


def pair_tables_of(result: Result) -> tuple[PairTable, ...]:
    """A square table per metric of the comparisons that the run left; empty if it left none."""
    found = []
    for metric in dict.fromkeys(one.metric for one in result.comparisons):
        pairs: dict[tuple[str, str], Comparison] = {}
        for one in result.comparisons:
            if one.metric == metric:
                pairs[one.one, one.other] = one
        names = [name for name in result.detectors if any(name in pair for pair in pairs)]
        title, larger = _TITLES.get(metric, (metric, True))
        lines = tuple(
            (result.title(line), tuple(_cell(line, column, pairs, larger=larger) for column in names)) for line in names
        )
        first = next(iter(pairs.values()))
        note = (
            f"Points of percent, paired bootstrap over {first.images} images, {first.resamples:,} resamples. "
            "Below each its own 95 % interval. Marked: the line's detector is better than the column's at the level of "
            "5 % for all pairs together (max-t over the same resamples), so an unmarked interval may exclude zero."
        )
        found.append(PairTable(metric, title, tuple(result.title(name) for name in names), lines, note))
    return tuple(found)


def difference_of(result: Result, one: str, other: str, metric: str) -> tuple[float, bool] | None:
    """One minus the other in the mean over images, and whether that is more than chance with all pairs considered.

    None if they were not compared.
    """
    for found in result.comparisons:
        if found.metric == metric and {found.one, found.other} == {one, other} and not math.isnan(found.difference):
            return found.difference * (1.0 if found.one == one else -1.0), found.p_family < LEVEL
    return None


def _cell(line: str, column: str, pairs: dict[tuple[str, str], Comparison], *, larger: bool) -> PairCell:
    sign, found = 1.0, pairs.get((line, column))
    if found is None:
        sign, found = -1.0, pairs.get((column, line))
    if found is None or math.isnan(found.difference):
        return PairCell("" if line == column else ABSENT)
    low, high = sorted((sign * found.low, sign * found.high))
    difference = sign * found.difference
    better = (difference > 0.0 if larger else difference < 0.0) and found.p_family < LEVEL
    interval = f"{100 * low:+.1f} to {100 * high:+.1f}"
    text = f"{100.0 * difference:+.1f}"
    return PairCell(
        text, "best" if better else "", interval, f"p = {found.p_value:.3g}, of all pairs {found.p_family:.3g}"
    )

"""A number as every format of a report writes it, and columns with what is best and what a guess would beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ood_eval.engine.row import CHANCE
from ood_eval.metrics import PROTOCOLS, Metric
from ood_eval.report.result import Result

ABSENT: Final = "–"
BELOW_BASELINE: Final = "†"
BELOW_CHANCE: Final = "‡"
Spread = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A number in percent as text, and whether it is the best of its column.

    `spread` is its deviation over seeds; `mark` says that it is worse than chance or than the best baseline.
    """

    text: str
    best: bool
    spread: str = ""
    mark: str = ""

    @property
    def whole(self) -> str:
        """Value, deviation and mark."""
        return f"{self.text} ± {self.spread}{self.mark}" if self.spread else f"{self.text}{self.mark}"


@dataclass(frozen=True, slots=True)
class Columns:
    """Entries of some detectors and of what they are measured against, a line each."""

    lines: tuple[tuple[str, tuple[Entry, ...]], ...]
    references: tuple[tuple[str, tuple[Entry, ...]], ...]


def column_of(numbers: Sequence[Spread], *, larger: bool) -> list[Entry]:
    """Shares and their deviations as percent; the best is marked as printed, so equal texts are equally best."""
    values = [_percent(mean) for mean, _ in numbers]
    best = _best(values, larger=larger)
    return [
        Entry(
            ABSENT if math.isnan(value) else f"{value:.1f}",
            value == best,
            "" if deviation is None or math.isnan(deviation) else f"{100.0 * deviation:.1f}",
        )
        for value, (_, deviation) in zip(values, numbers, strict=True)
    ]


def columns_of(result: Result, metrics: Sequence[tuple[str, str]]) -> Columns:
    """A line per detector and per reference, a column per (protocol, metric).

    The best detector of a column is marked, and those that are worse than a reference, as printed. References are
    neither best nor marked, and the same under every seed.
    """
    detectors, references = result.detectors, result.references
    own, theirs = [], []
    for protocol, metric in metrics:
        larger = larger_is_better(protocol, metric)
        column = column_of([result.spread(name, protocol, metric) for name in detectors], larger=larger)
        beside = [result.spread(name, protocol, metric)[0] for name in references]
        chance = [_percent(mean) for name, mean in zip(references, beside, strict=True) if name == CHANCE]
        known = [_percent(mean) for name, mean in zip(references, beside, strict=True) if name != CHANCE]
        limits = (_best(chance, larger=larger), _best(known, larger=larger))
        own.append([replace(entry, mark=_mark(entry, *limits, larger=larger)) for entry in column])
        theirs.append([replace(one, best=False) for one in column_of([(mean, None) for mean in beside], larger=larger)])
    return Columns(
        tuple((result.title(name), tuple(column[i] for column in own)) for i, name in enumerate(detectors)),
        tuple((result.title(name), tuple(column[i] for column in theirs)) for i, name in enumerate(references)),
    )


def legend_of(result: Result, columns: Columns) -> str:
    """What the marks in some columns mean; empty where there are none."""
    marks = {entry.mark for _, line in columns.lines for entry in line}
    names = " and ".join(result.title(name) for name in result.references if name != CHANCE)
    words = []
    if BELOW_BASELINE in marks:
        words.append(f"{BELOW_BASELINE} worse than the best of what sees no network ({names}).")
    if BELOW_CHANCE in marks:
        words.append(f"{BELOW_CHANCE} worse than chance.")
    return " ".join(words)


def larger_is_better(protocol: str, metric: str) -> bool:
    """Whether a larger value of a protocol's metric is the better one."""
    known: tuple[Metric, ...] = PROTOCOLS[protocol].metrics if protocol in PROTOCOLS else ()
    return next((one.larger_is_better for one in known if one.name == metric), True)


def _percent(share: float) -> float:
    return round(100.0 * share, 1)


def _best(values: Sequence[float], *, larger: bool) -> float:
    real = [value for value in values if not math.isnan(value)]
    return (max(real) if larger else min(real)) if real else math.nan


def _mark(entry: Entry, chance: float, baseline: float, *, larger: bool) -> str:
    if entry.text == ABSENT:
        return ""
    value, sign = float(entry.text), 1.0 if larger else -1.0
    if sign * (value - chance) < 0:
        return BELOW_CHANCE
    return BELOW_BASELINE if sign * (value - baseline) < 0 else ""

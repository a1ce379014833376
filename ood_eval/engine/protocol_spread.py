"""How much the protocol matters: the same scores under every protocol, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ood_eval.engine.row import Row
from ood_eval.metrics import PROTOCOLS
from ood_eval.tasks.image_record import METRICS


@dataclass(frozen=True, slots=True)
class CrossLine:
    """One metric of one detector by protocol; `spread` is largest minus smallest of the defined ones, NaN if none."""

    benchmark: str
    detector: str
    metric: str
    values: dict[str, float]
    spread: float


def cross_protocol(rows: Iterable[Row]) -> tuple[CrossLine, ...]:
    """A line per benchmark, detector and metric (AUROC, AUPR, FPR95); of several runs, the mean."""
    found: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for row in rows:
        if row.protocol in PROTOCOLS and row.metric in METRICS:
            line = found.setdefault((row.benchmark, row.detector, row.metric), {})
            line.setdefault(row.protocol, []).append(row.value)
    lines = []
    for key, protocols in found.items():
        values = {name: sum(runs) / len(runs) for name, runs in protocols.items()}
        defined = [value for value in values.values() if not math.isnan(value)]
        lines.append(CrossLine(*key, values, max(defined) - min(defined) if defined else math.nan))
    return tuple(lines)

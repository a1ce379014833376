"""How much the choice of protocol matters: the same scores under every protocol of the run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ood_eval.engine.protocol_spread import cross_protocol
from ood_eval.report.result import Result
from ood_eval.report.table import ABSENT, METRICS, Entry, column_of, detectors_of, larger_is_better


@dataclass(frozen=True, slots=True)
class ProtocolTable:
    """One metric: a column per protocol and how far apart they lie; a line per detector, spread last."""

    metric: str
    title: str
    protocols: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Entry, ...], str], ...]


def protocol_tables_of(result: Result) -> tuple[ProtocolTable, ...]:
    """The table of each metric; empty where the run has one protocol only."""
    crossed = {(line.detector, line.metric): line for line in cross_protocol(result.ranking_rows)}
    protocols = tuple(dict.fromkeys(name for line in crossed.values() for name in line.values))
    if len(protocols) < 2:
        return ()
    detectors = detectors_of(result)
    found = []
    for metric, title, larger in METRICS:
        of_metric = [crossed.get((name, metric)) for name in detectors]
        columns = [
            column_of([(math.nan if c is None else c.values.get(p, math.nan), None) for c in of_metric], larger=larger)
            for p in protocols
        ]
        lines = tuple(
            (
                result.title(name),
                tuple(column[place] for column in columns),
                ABSENT if line is None or math.isnan(line.spread) else f"{100.0 * line.spread:.1f}",
            )
            for place, (name, line) in enumerate(zip(detectors, of_metric, strict=True))
        )
        found.append(ProtocolTable(metric, title, protocols, lines))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FurtherMetrics:
    """Numbers beyond AUROC, AUPR and FPR95: (protocol, metric) per column, a line per detector."""

    columns: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, tuple[Entry, ...]], ...]


def further_metrics_of(result: Result) -> FurtherMetrics | None:
    """Component metrics, best F1, open-mIoU and whatever else the protocols give; None where they give nothing else."""
    usual = {metric for metric, _, _ in METRICS}
    columns = tuple(dict.fromkeys((row.protocol, row.metric) for row in result.ranking_rows if row.metric not in usual))
    if not columns:
        return None
    detectors = detectors_of(result)
    filled = [
        column_of([result.spread(name, *column) for name in detectors], larger=larger_is_better(*column))
        for column in columns
    ]
    lines = tuple((result.title(name), tuple(column[i] for column in filled)) for i, name in enumerate(detectors))
    return FurtherMetrics(columns, lines)

"""How much the choice of protocol matters: the same scores under every protocol of the run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ood_eval.engine.protocol_spread import cross_protocol
from ood_eval.report.entry import ABSENT, Columns, Entry, columns_of
from ood_eval.report.result import Result
from ood_eval.report.table import METRICS, blocks_of


@dataclass(frozen=True, slots=True)
class ProtocolTable:
    """One metric: a column per protocol and how far apart they lie; a line per detector or reference, spread last."""

    metric: str
    title: str
    protocols: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Entry, ...], str], ...]
    references: tuple[tuple[str, tuple[Entry, ...]], ...]


def protocol_tables_of(result: Result) -> tuple[ProtocolTable, ...]:
    """The table of each metric; empty where the run has one protocol only."""
    crossed = {(line.detector, line.metric): line for line in cross_protocol(result.ranking_rows)}
    protocols = tuple(dict.fromkeys(name for line in crossed.values() for name in line.values))
    if len(protocols) < 2:
        return ()
    found = []
    for metric, title, _ in METRICS:
        columns = columns_of(result, [(protocol, metric) for protocol in protocols])
        spreads = [crossed[name, metric].spread if (name, metric) in crossed else math.nan for name in result.detectors]
        lines = tuple(
            (name, cells, ABSENT if math.isnan(spread) else f"{100.0 * spread:.1f}")
            for (name, cells), spread in zip(columns.lines, spreads, strict=True)
        )
        found.append(ProtocolTable(metric, title, protocols, lines, columns.references))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FurtherMetrics:
    """Numbers that are neither AUROC, AUPR, FPR95 nor in the main table: (protocol, metric) per column."""

    columns: tuple[tuple[str, str], ...]
    table: Columns


def further_metrics_of(result: Result) -> FurtherMetrics | None:
    """Best F1, F1 of components, open-mIoU and whatever else the protocols give; None where they give nothing else."""
    usual = {metric for metric, _, _ in METRICS}
    shown = {(block.protocol, metric.name) for block in blocks_of(result) for metric in block.metrics}
    every = dict.fromkeys((row.protocol, row.metric) for row in result.ranking_rows if row.metric not in usual)
    columns = tuple(column for column in every if column not in shown)
    return FurtherMetrics(columns, columns_of(result, columns)) if columns else None

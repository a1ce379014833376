"""Mean and deviation of every number over training runs."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ood_eval.engine.row import Row
from ood_eval.errors import ResultError
from ood_eval.files import write_text


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


def write_summary(path: Path, lines: Iterable[SummaryLine]) -> None:
    """Writes lines of JSON, whole or not at all.

    Raises:
        ResultError: the folder cannot be written.
    """
    write_text(path, "".join(json.dumps(dataclasses.asdict(line), sort_keys=True) + "\n" for line in lines))


def read_summary(path: Path) -> list[SummaryLine]:
    """The lines of a file.

    Raises:
        ResultError: the file is missing or damaged.
    """
    try:
        values = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return TypeAdapter(list[SummaryLine]).validate_python(values)
    except OSError as error:
        raise ResultError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, ValidationError) as error:
        raise ResultError(f"{path}: not a summary; delete it and run again") from error

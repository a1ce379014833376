"""A row of results: one number, what it is, and where it comes from."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ood_eval.errors import ResultError
from ood_eval.files import write_text


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a number was computed with.

    Args:
        config_hash: of suite, detectors' options and label policy.
        data_hash: of the contents of the scored images and labels.
        checkpoint_hash: of the segmenter's file.
        seed: of the training run, None where the checkpoint was given.
        policy: label policy.
        dropped_share: share of pixels that the policy drops from the metric.
        versions: of the packages that computed it.
    """

    config_hash: str
    data_hash: str
    checkpoint_hash: str
    seed: int | None
    policy: str
    dropped_share: float
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one detector under one protocol; `low` and `high` bracket the exact value.

    `images` and `pixels` entered the number, `skipped` images could not. `seconds` is the detector's own time, without
    the forward pass it shares.
    """

    experiment: str
    benchmark: str
    detector: str
    protocol: str
    metric: str
    value: float
    low: float
    high: float
    images: int
    pixels: int
    skipped: int
    seconds: float
    provenance: Provenance


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows as JSON lines, whole or not at all; an undefined number is null.

    Raises:
        ResultError: the folder cannot be written.
    """
    lines = (json.dumps(_plain(dataclasses.asdict(row)), sort_keys=True, allow_nan=False) for row in rows)
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_rows(path: Path) -> list[Row]:
    """The rows of a file.

    Raises:
        ResultError: the file is missing or damaged.
    """
    try:
        values = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for value in values:
            value.update({key: math.nan for key in ("value", "low", "high") if value.get(key) is None})
        return TypeAdapter(list[Row]).validate_python(values)
    except OSError as error:
        raise ResultError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, ValidationError, AttributeError) as error:
        raise ResultError(f"{path}: not a file of results; delete it and run again") from error


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(item, float) and math.isnan(item) else item for key, item in value.items()}

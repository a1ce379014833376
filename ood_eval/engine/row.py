"""A row of results: one number, what it is, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ood_eval.store import read_lines, write_lines

# What stands in a row for the segmenter's own numbers, in place of a detector.
SEGMENTER: Final = "segmenter"
# What stands in a row for numbers that scores drawn at random would give, in place of a detector.
CHANCE: Final = "chance"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a number was computed with.

    Args:
        config_hash: of suite, detectors' options and label policy.
        data_hash: of the contents of the scored images and labels.
        checkpoint_hash: of the segmenter: of its file, or of its tensors, settings and code.
        seed: of the training run, None where the checkpoint was given.
        policy: label policy.
        dropped_share: share of pixels that the policy drops from the metric.
        versions: of the packages that computed the cell that it is read off, when they did.
        size: of the pictures that were scored: native, or the box that they were scaled to fit.
        code: hashes of the code that made it, by what it did: read the benchmark, scored, counted.
    """

    config_hash: str
    data_hash: str
    checkpoint_hash: str
    seed: int | None
    policy: str
    dropped_share: float
    versions: dict[str, str]
    code: dict[str, str] = field(default_factory=dict)
    size: str = "native"


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
    write_lines(path, rows)


def read_rows(path: Path) -> list[Row]:
    """The rows of a file.

    Raises:
        ResultError: the file is missing or damaged.
    """
    return list(read_lines(path, Row))

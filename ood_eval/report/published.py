"""The numbers of the CAOS paper, to stand beside ours where they are of the same images."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from ood_eval.config import load_config
from ood_eval.report.result import Result

# Label policies drop at most 42 % of StreetHazards; Fishyscapes' void is less than half of an image.
_LEAST_COUNTED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Published:
    """A column block of the paper, of the very images that we scored.

    Args:
        set_title: the data set as the paper calls it.
        table: its number in the paper.
        values: AUROC, AUPR, FPR95 in percent by detector.
        same_labels: whether the labels are the paper's too, and not of another label policy.
        titles: the paper's names of the detectors.
    """

    set_title: str
    table: int
    values: dict[str, tuple[float, float, float]]
    same_labels: bool
    titles: dict[str, str]

    @property
    def heading(self) -> str:
        """What stands over the block."""
        policy = "" if self.same_labels else ", another label policy"
        return f"CAOS paper, table {self.table}: {self.set_title}{policy}"

    @property
    def remark(self) -> str:
        """One sentence on what may be compared."""
        if self.same_labels:
            return f"The paper's numbers are of the same data set ({self.set_title}), means over images."
        return f"The paper scored the same images ({self.set_title}) with nothing dropped: compare with care."

    def of(self, detector: str) -> tuple[float, float, float] | None:
        """The paper's AUROC, AUPR and FPR95 of one of our detectors, if it has them."""
        return self.values.get(detector)

    def without(self, detectors: Sequence[str]) -> dict[str, tuple[float, float, float]]:
        """The paper's detectors that are not among ours."""
        return {name: values for name, values in self.values.items() if name not in detectors}


@dataclass(frozen=True, slots=True)
class _Known:
    title: str
    table: int
    images: int
    pixels_each: int
    values: dict[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class _Paper:
    """What `published.yaml` holds: titles by detector, and sets by benchmark."""

    titles: dict[str, str]
    sets: dict[str, _Known]


@functools.cache
def _paper() -> _Paper:
    return load_config(_Paper, Path(str(resources.files("ood_eval.report"))) / "published.yaml")


def published_for(result: Result) -> Published | None:
    """The paper's numbers for a result; None unless its data set is one of the paper's.

    A set counts as the public one if its name, its number of images and its number of pixels are those of the public
    one and no image of it has a record of how it was generated.
    """
    first, paper = result.ranking_rows[0], _paper()
    known = paper.sets.get(first.benchmark)
    if known is None or not _is_public(result, known):
        return None
    # What a set without label policies leaves out is void in the paper, too.
    nothing_dropped = first.provenance.dropped_share == 0.0 or not first.provenance.policy
    return Published(known.title, known.table, known.values, nothing_dropped, paper.titles)


def _is_public(result: Result, known: _Known) -> bool:
    if result.generated:
        return False
    rows = [row for row in result.ranking_rows if row.metric == "auroc"]
    counted = max(rows, key=lambda row: row.images + row.skipped, default=result.ranking_rows[0])
    if counted.images + counted.skipped != known.images:
        return False
    every = counted.images * known.pixels_each
    return _LEAST_COUNTED * every <= counted.pixels <= every

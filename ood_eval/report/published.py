"""The numbers of the CAOS paper, to stand beside ours."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from ood_eval.config import load_config
from ood_eval.report.result import Result

# Label policies drop at most 42 % of StreetHazards; Fishyscapes' void is less than half of an image.
_LEAST_COUNTED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Published:
    """A column block of the paper.

    Args:
        set_title: the data set as the paper calls it.
        table: its number in the paper.
        values: AUROC, AUPR, FPR95 in percent by detector.
        same: yes = the very images and labels that we scored; policy = the images, under another label policy;
            no = another data set, so that only the order of the detectors may be compared.
        titles: the paper's names of the detectors.
    """

    set_title: str
    table: int
    values: dict[str, tuple[float, float, float]]
    same: Literal["yes", "policy", "no"]
    titles: dict[str, str]

    @property
    def heading(self) -> str:
        """What stands over the block."""
        if self.same == "yes":
            return f"CAOS paper, table {self.table}: {self.set_title}"
        if self.same == "policy":
            return f"CAOS paper, table {self.table}: {self.set_title}, another label policy"
        return f"CAOS paper, table {self.table}: {self.set_title}, ANOTHER DATA SET"

    @property
    def remark(self) -> str:
        """One sentence on what may be compared."""
        if self.same == "yes":
            return f"The paper's numbers are of the same data set ({self.set_title}), means over images."
        if self.same == "policy":
            return f"The paper scored the same images ({self.set_title}) with nothing dropped: compare with care."
        return (
            f"The paper's numbers are of another data set ({self.set_title}) and another network: "
            "only the order of the detectors may be compared."
        )

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
    """What `published.yaml` holds: titles by detector, sets by benchmark, and the set that stands in for all others."""

    titles: dict[str, str]
    otherwise: str
    sets: dict[str, _Known]


@functools.cache
def _paper() -> _Paper:
    return load_config(_Paper, Path(str(resources.files("ood_eval.report"))) / "published.yaml")


def published_for(result: Result) -> Published:
    """The paper's numbers for a result: those of its data set if that is one of the paper's, else of another.

    A set counts as the public one if its name, its number of images and its number of pixels are those of the public
    one and no image of it has a record of how it was generated.
    """
    first, paper = result.ranking_rows[0], _paper()
    known = paper.sets.get(first.benchmark)
    same: Literal["yes", "policy", "no"] = "no"
    if known is not None and _is_public(result, known):
        # What a set without label policies leaves out is void in the paper, too.
        nothing_dropped = first.provenance.dropped_share == 0.0 or not first.provenance.policy
        same = "yes" if nothing_dropped else "policy"
    known = known or paper.sets[paper.otherwise]
    return Published(known.title, known.table, known.values, same, paper.titles)


def _is_public(result: Result, known: _Known) -> bool:
    if result.generated:
        return False
    rows = [row for row in result.ranking_rows if row.metric == "auroc"]
    counted = max(rows, key=lambda row: row.images + row.skipped, default=result.ranking_rows[0])
    if counted.images + counted.skipped != known.images:
        return False
    every = counted.images * known.pixels_each
    return _LEAST_COUNTED * every <= counted.pixels <= every

"""The numbers of the CAOS paper, to stand beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ood_eval.report.result import Result

# Source: Hendrycks et al., Scaling Out-of-Distribution Detection for Real-World Settings, ICML 2022, table 4; means
# over images, in percent, in the order AUROC, AUPR, FPR95. Keys are this package's names of the detectors.
_STREETHAZARDS: Final = {
    "msp": (87.7, 6.6, 33.7),
    "branch": (65.7, 1.5, 68.4),
    "background": (58.6, 4.5, 69.0),
    "dropout": (69.9, 7.5, 79.4),
    "ae": (66.1, 2.2, 91.7),
    "maxlogit": (89.3, 10.6, 26.5),
}
_BDD_ANOMALY: Final = {
    "msp": (87.7, 3.7, 24.5),
    "branch": (85.6, 3.9, 25.6),
    "background": (69.7, 1.1, 40.1),
    "dropout": (90.8, 4.3, 16.6),
    "ae": (64.0, 0.7, 74.1),
    "maxlogit": (92.6, 5.4, 14.0),
}
# Source: the paper, table 6; of the two detectors that this package shares with it.
_FISHYSCAPES_LAF: Final = {"msp": (87.0, 6.0, 45.6), "maxlogit": (92.0, 38.1, 18.8)}
_ROAD_ANOMALY: Final = {"msp": (73.8, 20.6, 68.4), "maxlogit": (78.0, 24.4, 64.9)}
_PIXELS_720P: Final = 1280 * 720
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
    """

    set_title: str
    table: int
    values: dict[str, tuple[float, float, float]]
    same: Literal["yes", "policy", "no"]

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
    values: dict[str, tuple[float, float, float]]
    images: int
    pixels_each: int


# By the names of `ood_eval.benchmarks.BENCHMARKS`. Source: the data sets' own files; counts of their scored splits.
_SETS: Final = {
    "streethazards": _Known("StreetHazards", 4, _STREETHAZARDS, 1500, _PIXELS_720P),
    "bdd_anomaly": _Known("BDD-Anomaly", 4, _BDD_ANOMALY, 810, _PIXELS_720P),
    "fishyscapes_lostandfound": _Known("Fishyscapes Lost & Found", 6, _FISHYSCAPES_LAF, 100, 2048 * 1024),
    "road_anomaly": _Known("RoadAnomaly", 6, _ROAD_ANOMALY, 60, _PIXELS_720P),
}


def published_for(result: Result) -> Published:
    """The paper's numbers for a result: those of its data set if that is one of the paper's, else of StreetHazards.

    A set counts as the public one if its name, its number of images and its number of pixels are those of the public
    one and no image of it has a record of how it was generated.
    """
    first = result.ranking_rows[0]
    known = _SETS.get(first.benchmark)
    if known is None or not _is_public(result, known):
        known = known if known is not None else _SETS["streethazards"]
        return Published(known.title, known.table, known.values, "no")
    nothing_dropped = first.provenance.dropped_share == 0.0 or first.benchmark != "streethazards"
    return Published(known.title, known.table, known.values, "yes" if nothing_dropped else "policy")


def _is_public(result: Result, known: _Known) -> bool:
    if result.generated:
        return False
    rows = [row for row in result.ranking_rows if row.metric == "auroc"]
    counted = max(rows, key=lambda row: row.images + row.skipped, default=result.ranking_rows[0])
    if counted.images + counted.skipped != known.images:
        return False
    every = counted.images * known.pixels_each
    return _LEAST_COUNTED * every <= counted.pixels <= every

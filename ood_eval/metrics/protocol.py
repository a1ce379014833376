"""What a protocol is: a named way from scores to numbers, that can be stored, merged and continued."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ood_eval.metrics.binned import BinnedRanking
from ood_eval.metrics.curve import RankingCurve

Arrays = dict[str, NDArray[np.float64] | NDArray[np.int64]]
PixelCounts = NDArray[np.int64]
# A score map [H,W] f32 and its anomaly map [H,W] u8.
ScoredImage = tuple[NDArray[np.float32], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as rows carry it, as headings write it, and whether a larger value is the better one."""

    name: str
    title: str
    larger_is_better: bool = True


# The three that every ranking protocol gives and that tables are made of.
AUROC: Final = Metric("auroc", "AUROC ↑")
AUPR: Final = Metric("aupr", "AUPR ↑")
FPR95: Final = Metric("fpr95", "FPR95 ↓", larger_is_better=False)
USUAL: Final = (AUROC, AUPR, FPR95)


@dataclass(frozen=True, slots=True)
class Number:
    """One metric under one protocol, with bounds on its exact value and what it was counted over.

    `images` and `pixels` are those that entered the number; `skipped` images could not (one class only).
    """

    metric: str
    value: float
    low: float
    high: float
    images: int
    pixels: int
    skipped: int


class RankingProtocol(Protocol):
    """A commutative monoid over images: update, merge, and numbers at the end.

    What the runner and the report need to know of a protocol, they ask it:

    - `name`, as rows carry it; `title`, the heading of its block of columns; `words`, what it counts, in a sentence.
    - `in_main_table`: shown first; a run that has none of these shows the first two that it has.
    - `shown`: the metrics of its block in that table, with their headings there.
    - `beside_curves`: its AUROC and AUPR are those of the curves that are drawn of all pixels.
    - `counts_as`: protocols of equal `counts_as` count the same thing and read it differently. Their states are
      interchangeable, so an evaluation counts once for all of them.
    - `metrics`: what `compute` and `at_own_threshold` give.
    - `keeps_maps`: whether `at_own_threshold` gives anything, for which every score map is kept to the end.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    words: ClassVar[str]
    in_main_table: ClassVar[bool]
    shown: ClassVar[tuple[Metric, ...]]
    beside_curves: ClassVar[bool]
    counts_as: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    keeps_maps: ClassVar[bool]

    def update(
        self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8], curve: RankingCurve | None = None
    ) -> None:
        """Counts one image: scores [H,W] f32 and anomaly [H,W] u8 (0 known, 1 anomaly, 255 void).

        `curve` is that of the image's pixels that are not void, where it is known already.

        Raises:
            DetectorError: shapes differ, or scores are not finite float32.
        """

    def merge(self, other: RankingProtocol) -> None:
        """Adds what another instance of the same class and settings has counted.

        Raises:
            ConfigError: the other is of another protocol.
        """

    def state(self) -> Arrays:
        """Everything counted, as plain arrays."""

    def add_state(self, arrays: Arrays) -> None:
        """Adds what `state` of another instance gave."""

    def compute(self) -> list[Number]:
        """AUROC, AUPR and FPR95, and what else the protocol reads off its counts; NaN where undefined."""

    def base_rate(self, known: PixelCounts, anomalous: PixelCounts, void: PixelCounts) -> float:
        """The share of anomalous pixels as this protocol counts images of so many pixels each; NaN if undefined.

        Args:
            known: pixels of each image, [N] i64; `anomalous` and `void` likewise.
            anomalous: see `known`.
            void: see `known`.
        """

    def pooled(self) -> BinnedRanking | None:
        """The scores of all pixels that are not void, where these are counted as they are; curves are drawn of them."""

    def at_own_threshold(self, images: Iterable[ScoredImage], track: str) -> list[Number]:
        """Numbers at a threshold that is known only when all images are counted.

        Args:
            images: all of them once more.
            track: sizes of components that count, by name.
        """

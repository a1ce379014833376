"""Protocol `dataset`: every pixel of the set in one ranking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import VOID
from ood_eval.errors import ConfigError
from ood_eval.metrics.binned import BinnedRanking, Bracket
from ood_eval.metrics.curve import RankingCurve
from ood_eval.metrics.histogram import DEFAULT_BITS, ScoreHistogram
from ood_eval.metrics.protocol import USUAL, Arrays, Metric, Number, PixelCounts, RankingProtocol, ScoredImage


class Dataset:
    """Pooled AUROC, AP and FPR at the first recall of 95 %; void dropped, images of one class included.

    Counted in a `ScoreHistogram`, so memory is fixed and each number carries the bracket of its exact value.

    Args:
        bits: of the histogram.
    """

    name: ClassVar[str] = "dataset"
    title: ClassVar[str] = "dataset: all pixels"
    words: ClassVar[str] = "all pixels of the set in one ranking (FPR at the first recall of at least 95 %)"
    in_main_table: ClassVar[bool] = True
    shown: ClassVar[tuple[Metric, ...]] = USUAL
    beside_curves: ClassVar[bool] = True
    counts_as: ClassVar[str] = "pooled"
    metrics: ClassVar[tuple[Metric, ...]] = USUAL
    keeps_maps: ClassVar[bool] = False

    def __init__(self, bits: int = DEFAULT_BITS) -> None:
        self.histogram: BinnedRanking = ScoreHistogram(bits)
        self._images = 0

    def update(
        self,
        scores: NDArray[np.float32],
        anomaly: NDArray[np.uint8],
        curve: RankingCurve | None = None,  # noqa: ARG002
    ) -> None:
        """Counts one image: scores [H,W] f32 and anomaly [H,W] u8.

        Raises:
            DetectorError: shapes differ, or scores are not finite float32.
        """
        self.histogram.update(scores, anomaly)
        self._images += int((anomaly != VOID).any())

    def merge(self, other: RankingProtocol) -> None:
        """Adds the pixels of another instance.

        Raises:
            ConfigError: the other is of another protocol or has another number of bits.
        """
        if not isinstance(other, Dataset) or other.counts_as != self.counts_as:
            raise ConfigError(f"cannot merge protocol {other.name} into {self.name}")
        self.histogram.merge(other.histogram)
        self._images += other._images

    def state(self) -> Arrays:
        """Occupied bins and the number of images."""
        return {"bins": self.histogram.sparse(), "images": np.array([self._images], dtype=np.int64)}

    def add_state(self, arrays: Arrays) -> None:
        """Adds what `state` of another instance gave."""
        self.histogram.add_sparse(arrays["bins"].astype(np.int64))
        self._images += int(arrays["images"][0])

    def compute(self) -> list[Number]:
        """The numbers with their brackets; NaN when a class does not occur at all."""
        pixels = self.histogram.pixels()
        return [
            Number(name, bracket.value, bracket.low, bracket.high, self._images, pixels, 0)
            for name, bracket in self.readings().items()
        ]

    def readings(self) -> dict[str, Bracket]:
        """What this protocol reads off the pooled counts, by metric."""
        return {
            "auroc": self.histogram.auroc(),
            "aupr": self.histogram.average_precision(),
            "fpr95": self.histogram.fpr_at_first_recall(),
        }

    def base_rate(self, known: PixelCounts, anomalous: PixelCounts, void: PixelCounts) -> float:  # noqa: ARG002
        """The share of anomalous pixels among those of all images that are not void."""
        positives, negatives = int(anomalous.sum()), int(known.sum())
        return positives / (positives + negatives) if positives and negatives else float("nan")

    def pooled(self) -> BinnedRanking | None:
        """The counts themselves."""
        return self.histogram

    def at_own_threshold(self, images: Iterable[ScoredImage], track: str) -> list[Number]:  # noqa: ARG002
        """Nothing: no number needs a threshold."""
        return []

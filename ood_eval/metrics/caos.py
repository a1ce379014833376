"""Protocol `caos`: the mean over images of each image's own numbers, as in the CAOS benchmark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import KNOWN, VOID
from ood_eval.errors import ConfigError
from ood_eval.metrics.binned import BinnedRanking
from ood_eval.metrics.curve import RankingCurve, ranking_curve
from ood_eval.metrics.exact_sum import ExactSum
from ood_eval.metrics.protocol import USUAL, Arrays, Metric, Number, PixelCounts, RankingProtocol, ScoredImage


class Caos:
    """Per-image AUROC, AP and nearest FPR95, averaged; images with one class only are skipped and counted.

    Nothing is dropped: a void pixel counts as known, as in the authors' code. StreetHazards under the label policy
    `keep_all` has none, as in the paper.

    Source: Hendrycks et al. 2022 section 5.1; hendrycks/anomaly-seg `eval_ood.py`, whose inliers are all that is not
    an out-of-distribution label.
    """

    name: ClassVar[str] = "caos"
    title: ClassVar[str] = "caos: mean over images"
    words: ClassVar[str] = "the mean over images of each image's own value (CAOS; FPR at the recall nearest to 95 %)"
    in_main_table: ClassVar[bool] = True
    shown: ClassVar[tuple[Metric, ...]] = USUAL
    beside_curves: ClassVar[bool] = False
    counts_as: ClassVar[str] = "caos"
    metrics: ClassVar[tuple[Metric, ...]] = USUAL
    keeps_maps: ClassVar[bool] = False
    drops_void: ClassVar[bool] = False

    def __init__(self) -> None:
        self._sums = tuple(ExactSum() for _ in USUAL)
        self._counts: NDArray[np.int64] = np.zeros(3, dtype=np.int64)

    def update(
        self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8], curve: RankingCurve | None = None
    ) -> None:
        """Counts one image: scores [H,W] f32 and anomaly [H,W] u8; `curve` of the pixels that are not void, if known.

        Raises:
            DetectorError: shapes differ, or scores are not finite float32.
        """
        if curve is not None and (self.drops_void or curve.positives + curve.negatives == anomaly.size):
            self.add_curve(curve)
        else:
            self.add_curve(ranking_curve(scores, self.counted(anomaly)))

    def add_curve(self, curve: RankingCurve) -> None:
        """Counts one image by the exact curve of its counted pixels."""
        if not curve.has_both:
            self._counts += (0, 0, 1)
            return
        for total, value in zip(self._sums, self.of_image(curve), strict=True):
            total.add(value)
        self._counts += (1, curve.positives + curve.negatives, 0)

    def counted(self, anomaly: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The anomaly map as this protocol counts it."""
        return anomaly if self.drops_void else np.where(anomaly == VOID, np.uint8(KNOWN), anomaly)

    def of_image(self, curve: RankingCurve) -> tuple[float, float, float]:
        """AUROC, AUPR and FPR95 of one image with both classes."""
        return curve.auroc(), curve.average_precision(), curve.fpr_at_nearest_recall()

    def merge(self, other: RankingProtocol) -> None:
        """Adds the images of another instance.

        Raises:
            ConfigError: the other is of another protocol.
        """
        if not isinstance(other, Caos) or other.counts_as != self.counts_as:
            raise ConfigError(f"cannot merge protocol {other.name} into {self.name}")
        self.add_state(other.state())

    def state(self) -> Arrays:
        """Exact sums of the three metrics, and (images, pixels, skipped)."""
        return {"sums": np.stack([total.digits for total in self._sums]), "counts": self._counts.copy()}

    def add_state(self, arrays: Arrays) -> None:
        """Adds what `state` of another instance gave."""
        for total, digits in zip(self._sums, arrays["sums"].astype(np.int64), strict=True):
            total.merge(ExactSum(digits))
        self._counts += arrays["counts"].astype(np.int64)

    def compute(self) -> list[Number]:
        """The three means; NaN when no image has both classes."""
        images, pixels, skipped = (int(value) for value in self._counts)
        means = [total.mean(images) for total in self._sums]
        return [
            Number(metric.name, mean, mean, mean, images, pixels, skipped)
            for metric, mean in zip(self.metrics, means, strict=True)
        ]

    def base_rate(self, known: PixelCounts, anomalous: PixelCounts, void: PixelCounts) -> float:
        """The mean over images with both classes of each one's share of anomalous pixels."""
        others = known if self.drops_void else known + void
        both = (others > 0) & (anomalous > 0)
        shares = anomalous[both] / (anomalous[both] + others[both])
        return float(shares.mean()) if shares.size else float("nan")

    def pooled(self) -> BinnedRanking | None:
        """None: images are never pooled."""
        return None

    def at_own_threshold(self, images: Iterable[ScoredImage], track: str) -> list[Number]:  # noqa: ARG002
        """Nothing: there is no threshold."""
        return []

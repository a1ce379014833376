"""Protocol `smiyc`, pixel part: every image's scores in 768 quantile bins, merged over the set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, KNOWN
from ood_eval.errors import DetectorError
from ood_eval.metrics.components import COMPONENT_METRICS, TRACKS, Components
from ood_eval.metrics.curve import RankingCurve
from ood_eval.metrics.dataset import Dataset
from ood_eval.metrics.histogram import Bracket, ScoreHistogram
from ood_eval.metrics.protocol import USUAL, Metric, Number, ScoredImage
from ood_eval.metrics.thresholds import best_f1_point

_QUANTILES: Final = 384
_ENDS: Final = np.array([0.0, 1.0])


class Smiyc(Dataset):
    """Pooled AP, FPR at the first recall of 95 % and best F1 over per-image quantile bins; label 255 dropped.

    A pixel counts with the lower edge of its bin. The edges of all images would pile up; they are counted in a
    `ScoreHistogram` instead, so memory is fixed, and its bracket holds the value of the piled-up edges. The component
    part of the protocol is `Components`, at the threshold of `best_f1_point`.

    Source: Chan et al. 2021 (https://arxiv.org/abs/2104.14812) and its tool's `PixBinaryClass`.
    """

    name: ClassVar[str] = "smiyc"
    title: ClassVar[str] = "smiyc"
    words: ClassVar[str] = "all pixels, ranked through 768 quantile bins per image, and components (SegmentMeIfYouCan)"
    in_main_table: ClassVar[bool] = False
    beside_curves: ClassVar[bool] = False
    counts_as: ClassVar[str] = "smiyc"
    metrics: ClassVar[tuple[Metric, ...]] = (*USUAL, Metric("best_f1", "best F1 ↑"), *COMPONENT_METRICS)
    keeps_maps: ClassVar[bool] = True

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
        if scores.shape == anomaly.shape and scores.dtype == np.float32:
            if not np.isfinite(scores).all():
                raise DetectorError("scores hold NaN or infinity; a detector must return finite numbers")
            scores = quantised(scores, anomaly)
        super().update(scores, anomaly)

    def pooled(self) -> ScoreHistogram | None:
        """None: the counts are of bins' edges, not of scores."""
        return None

    def at_own_threshold(self, images: Iterable[ScoredImage], track: str) -> list[Number]:
        """The component numbers at the best F1's threshold; nothing where no threshold is defined."""
        point = best_f1_point(self.histogram)
        if point is None:
            return []
        components = Components(TRACKS[track])
        for scores, anomaly in images:
            components.update(scores, anomaly, point.threshold)
        return components.compute()

    def readings(self) -> dict[str, Bracket]:
        """AUROC, AP, FPR95 and the best F1.

        The last reads bins as ties; finer ones can only add thresholds, so its value is a lower bound. Of an upper one
        is known: inside a bin with p anomalies and n known pixels, all p first.
        """
        return super().readings() | {"best_f1": self._best_f1()}

    def _best_f1(self) -> Bracket:
        point = best_f1_point(self.histogram)
        if point is None:
            return Bracket(float("nan"), float("nan"), float("nan"))
        curve = self.histogram.curve()
        false_above = np.concatenate(([0], curve.false_positives[:-1]))
        high = 2.0 * curve.true_positives / (curve.true_positives + false_above + curve.positives)
        return Bracket(point.f1, point.f1, float(high.max()))


def quantised(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each score replaced by the lower edge of its bin, [H,W] f32.

    Edges are 384 quantiles of the anomalous scores and 384 of the known ones, extremes included, of a smaller group as
    many as it has pixels, and 0 and 1, as the tool adds them; the highest bin holds its upper edge too. Void pixels
    take part in no edge.
    """
    groups = [scores[anomaly == kind] for kind in (KNOWN, ANOMALY)]
    found = [
        np.quantile(group, np.linspace(0.0, 1.0, min(_QUANTILES, group.size)), method="linear")
        for group in groups
        if group.size
    ]
    if not found:
        return scores
    edges = np.unique(np.concatenate([*found, _ENDS]).astype(np.float32))
    lower = edges[:-1] if edges.size > 1 else edges
    place = np.clip(np.searchsorted(lower, scores, side="right") - 1, 0, None)
    return lower[place]

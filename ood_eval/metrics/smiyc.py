"""Protocol `smiyc`: every image's scores in 768 quantile bins, merged over the set, and components at the best F1."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, KNOWN
from ood_eval.errors import DetectorError
from ood_eval.metrics.binned import Bracket
from ood_eval.metrics.components import COMPONENT_METRICS, TRACKS, Components
from ood_eval.metrics.curve import RankingCurve
from ood_eval.metrics.dataset import Dataset
from ood_eval.metrics.edge_counts import EdgeCounts
from ood_eval.metrics.keys import order_keys
from ood_eval.metrics.protocol import FPR95, USUAL, Arrays, Metric, Number, ScoredImage
from ood_eval.metrics.thresholds import best_f1_point

_QUANTILES: Final = 384


class Smiyc(Dataset):
    """Pooled AP, FPR at the first recall of 95 % and best F1 over per-image quantile bins; label 255 dropped.

    A pixel counts with the lower edge of its bin. The edges of all images are kept with their counts, as float32, so
    that every number is the tool's own, and so is what lies above the threshold of the best F1, where components are
    formed. Of a set with more distinct edges than `EdgeCounts` keeps, edges are rounded: numbers then carry brackets,
    and those of components, whose threshold is not known exactly, the bracket 0 to 1.

    The tool stores scores as float16; here they stay float32.

    Source: Chan et al. 2021 (https://arxiv.org/abs/2104.14812) and its tool SegmentMeIfYouCan/road-anomaly-benchmark
    at 1c7804e, `PixBinaryClass` and `SegEval`.
    """

    name: ClassVar[str] = "smiyc"
    title: ClassVar[str] = "smiyc: pixels and components"
    words: ClassVar[str] = "all pixels, ranked through 768 quantile bins per image, and components (SegmentMeIfYouCan)"
    in_main_table: ClassVar[bool] = True
    shown: ClassVar[tuple[Metric, ...]] = (Metric("aupr", "AP ↑"), FPR95, *COMPONENT_METRICS[:3])
    beside_curves: ClassVar[bool] = False
    counts_as: ClassVar[str] = "smiyc"
    metrics: ClassVar[tuple[Metric, ...]] = (*USUAL, Metric("best_f1", "best F1 ↑"), *COMPONENT_METRICS)
    keeps_maps: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._edges = EdgeCounts()
        self.histogram = self._edges

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
        if scores.shape != anomaly.shape:
            raise DetectorError(f"a score map of shape {scores.shape} for an anomaly map of shape {anomaly.shape}")
        rows = quantised(scores, anomaly)
        self._edges.add_sparse(rows)
        self._images += int(len(rows) > 0)

    def state(self) -> Arrays:
        """Edges with their counts, how finely they are kept, and the number of images."""
        return super().state() | {"bits": np.array([self._edges.bits], dtype=np.int64)}

    def add_state(self, arrays: Arrays) -> None:
        """Adds what `state` of another instance gave."""
        self._edges.add_sparse(arrays["bins"].astype(np.int64), int(arrays["bits"][0]))
        self._images += int(arrays["images"][0])

    def pooled(self) -> None:
        """None: the counts are of bins' edges, not of scores."""

    def at_own_threshold(self, images: Iterable[ScoredImage], track: str) -> list[Number]:
        """The component numbers at the best F1's threshold; nothing where no threshold is defined."""
        point = best_f1_point(self.histogram)
        if point is None:
            return []
        components = Components(TRACKS[track])
        for scores, anomaly in images:
            components.update(scores, anomaly, point.threshold)
        found = components.compute()
        return found if self._edges.exact else [dataclasses.replace(one, low=0.0, high=1.0) for one in found]

    def readings(self) -> dict[str, Bracket]:
        """AUROC, AP, FPR95 and the best F1; each exact, as long as the edges are.

        Of rounded edges the last reads bins as ties; finer ones can only add thresholds, so its value is a lower bound.
        Of an upper one is known: inside a bin with p anomalies and n known pixels, all p first.
        """
        found = super().readings() | {"best_f1": self._best_f1()}
        if not self._edges.exact:
            return found
        return {name: Bracket(one.value, one.value, one.value) for name, one in found.items()}

    def _best_f1(self) -> Bracket:
        point = best_f1_point(self.histogram)
        if point is None:
            return Bracket(float("nan"), float("nan"), float("nan"))
        curve = self.histogram.curve()
        false_above = np.concatenate(([0], curve.false_positives[:-1]))
        high = 2.0 * curve.true_positives / (curve.true_positives + false_above + curve.positives)
        return Bracket(point.f1, point.f1, float(high.max()))


def quantised(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> NDArray[np.int64]:
    """An image's pixels by the lower edge of their bin: rows (order key of the edge, known, anomalous), [M,3] i64.

    Edges are 384 quantiles of the anomalous scores and 384 of the known ones, extremes included, of a smaller group as
    many as it has pixels. The tool adds an edge below and one above all scores, so that the highest score has a bin of
    its own. An edge between two float32 numbers goes by the lower one: as many scores lie above either. Void pixels
    take part in nothing.

    Raises:
        DetectorError: scores are not finite float32.
    """
    order_keys(scores)  # refuses what cannot be ranked
    groups = [np.sort(scores[anomaly == kind]) for kind in (KNOWN, ANOMALY)]
    found = [_quantiles(group) for group in groups if group.size]
    if not found:
        return np.zeros((0, 3), dtype=np.int64)
    edges = np.unique(np.concatenate(found))
    counts = [np.diff(np.searchsorted(group, edges), append=group.size) for group in groups]
    return np.column_stack([order_keys(_rounded_down(edges)), *counts]).astype(np.int64)


def _quantiles(ordered: NDArray[np.float32]) -> NDArray[np.float64]:
    """At most 384 even quantiles of scores in ascending order, between two by a straight line."""
    places = np.linspace(0.0, 1.0, min(_QUANTILES, ordered.size)) * (ordered.size - 1)
    below = np.floor(places).astype(np.int64)
    low, high = ordered[below], ordered[np.minimum(below + 1, ordered.size - 1)]
    found: NDArray[np.float64] = low.astype(np.float64) + (high - low) * (places - below)
    return found


def _rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest float32 numbers that are no larger than the values."""
    nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)

"""SegmentMeIfYouCan RoadAnomaly21 (the "AnomalyTrack"): ten labelled images of mixed sizes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.layout import Layout, pairs_below, require_count, require_split
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.benchmarks.formats.values import BINARY

_HOMES: Final = ("", "dataset_AnomalyTrack", "road_anomaly_21", "RoadAnomaly21", "RoadAnomaly21_AnomalyTrack")
_LAYOUTS: Final = (
    Layout("images/validation*", "labels_masks/validation*_labels_semantic"),
    Layout("images/*", "labels_masks/*"),
)
_OFFICIAL_COUNT: Final = 10
_SERVER: Final = "https://segmentmeifyoucan.com"


class RoadAnomaly21(MaskedImages):
    """The validation split; the labels of the 100 test images are hidden.

    Layouts: `images/validation0000.jpg` with `labels_masks/validation0000_labels_semantic.png` of the official archive,
    and `images/N` with `labels_masks/N` of its forks.

    Source: SegmentMeIfYouCan/road-anomaly-benchmark, Chan et al. 2021 (https://arxiv.org/abs/2104.14812).

    Raises:
        ConfigError: the split is unknown.
        DataError: the labels are hidden, the set is incomplete, or the count is not 10 (unless `official` is False).
    """

    splits: ClassVar[tuple[str, ...]] = ("validation",)
    scored: ClassVar[str | None] = "validation"

    def __init__(self, root: Path, split: str, *, official: bool = True) -> None:
        require_split("road_anomaly_21", split, self.splits, {"test": _SERVER})
        super().__init__("road_anomaly_21", pairs_below(root, _HOMES, _LAYOUTS), BINARY)
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNT)


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    RoadAnomaly21,
    site="https://segmentmeifyoucan.com/datasets: dataset_AnomalyTrack.zip (zenodo 5270237)",
    terms="free to download; labels of the test split are hidden",
    size="some ten MB",
    folders=("dataset_AnomalyTrack", "RoadAnomaly21", "RoadAnomaly21_AnomalyTrack"),
    signs=("labels_masks/*", "*/labels_masks/*"),
)

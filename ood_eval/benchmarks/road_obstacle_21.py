"""SegmentMeIfYouCan RoadObstacle21 (the "ObstacleTrack"): thirty labelled WebP images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.layout import Layout, pairs_below, require_count, require_split
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.benchmarks.formats.values import BINARY

# "Obsticle" is how the forks that descend from Mask2Anomaly spell it.
_HOMES: Final = (
    "",
    "dataset_ObstacleTrack",
    "road_obstacle_21",
    "road_obsticle_21",
    "RoadObstacle21",
    "RoadObsticle21",
)
# Source: road-anomaly-benchmark, split ObstacleTrack-validation: these frames have no public labels.
_UNLABELLED: Final = ("19", "21", "22", "23", "24", "25", "26", "27", "28", "29")
_LAYOUTS: Final = (
    Layout("images/validation_*", "labels_masks/validation_*_labels_semantic", skipped=_UNLABELLED),
    Layout("images/*", "labels_masks/*"),
)
_OFFICIAL_COUNT: Final = 30
_SERVER: Final = "https://segmentmeifyoucan.com"
_HIDDEN: Final = ("test", "test_no_night", "test_snow", "test_night")


class RoadObstacle21(MaskedImages):
    """The validation split; the labels of all test channels (327 frames, snow 55, night 30) are hidden.

    Pixels off the road are 255 in the masks and do not count.

    Layouts: `images/validation_N.webp` with `labels_masks/validation_N_labels_semantic.png` of the official archive,
    without the frames that have no labels, and `images/N` with `labels_masks/N` of its forks.

    Source: SegmentMeIfYouCan/road-anomaly-benchmark, Chan et al. 2021 (https://arxiv.org/abs/2104.14812).

    Raises:
        ConfigError: the split is unknown.
        DataError: the labels are hidden, the set is incomplete, or the count is not 30 (unless `official` is False).
    """

    splits: ClassVar[tuple[str, ...]] = ("validation",)
    scored: ClassVar[str | None] = "validation"

    def __init__(self, root: Path, split: str, *, official: bool = True) -> None:
        require_split("road_obstacle_21", split, self.splits, dict.fromkeys(_HIDDEN, _SERVER))
        super().__init__("road_obstacle_21", pairs_below(root, _HOMES, _LAYOUTS), BINARY)
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNT)

    def attributes(self, index: int) -> Mapping[str, Any]:
        """The scene: the text before the first `_` of the name."""
        return {"scene": self.pairs[index].id.partition("_")[0]}


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    RoadObstacle21,
    site="https://segmentmeifyoucan.com/datasets: dataset_ObstacleTrack.zip (zenodo 5281633)",
    terms="free to download; labels of the test splits are hidden",
    size="some hundred MB",
    folders=("dataset_ObstacleTrack", "RoadObstacle21", "RoadObsticle21", "road_obsticle_21"),
    signs=("labels_masks/*", "*/labels_masks/*"),
)

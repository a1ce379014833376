"""RoadAnomaly (EPFL 2019): sixty photographs of animals, rocks and lost things on roads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Final

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.layout import Layout, Pair, pairs_below, require_count, require_folder, require_split
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.datasets.sample import ANOMALY, KNOWN
from ood_eval.errors import DataError

_ARCHIVE_HOMES: Final = ("", "RoadAnomaly_jpg")
_HOMES: Final = ("", "road_anomaly", "RoadAnomaly")
_LAYOUTS: Final = (Layout("original/*", "labels/*"), Layout("images/*", "labels_masks/*"))
_OFFICIAL_COUNT: Final = 60
# Source: all label files of the archive hold 0 and 2; copies in the two folder layouts may hold 1 for 2.
_ARCHIVE_VALUES: Final = {0: KNOWN, 2: ANOMALY}
_COPY_VALUES: Final = {0: KNOWN, 1: ANOMALY, 2: ANOMALY}


class RoadAnomaly(MaskedImages):
    """All sixty images, as the split `test`.

    Layouts: `frame_list.json` with `frames/NAME.jpg` and `frames/NAME.labels/labels_semantic.png` of the archive;
    `original/` with `labels/`; `images/` with `labels_masks/`.

    Source: Lis et al. 2019 (https://arxiv.org/abs/1904.07595).

    Raises:
        ConfigError: the split is unknown.
        DataError: the set is incomplete or damaged, or the count is not 60 (unless `official` is False).
    """

    splits: ClassVar[tuple[str, ...]] = ("test",)
    scored: ClassVar[str | None] = "test"

    def __init__(self, root: Path, split: str, *, official: bool = True) -> None:
        require_split("road_anomaly", split, self.splits)
        require_folder(root)
        lists = [root / home / "frame_list.json" for home in _ARCHIVE_HOMES]
        index = next((path for path in lists if path.is_file()), None)
        if index is not None:
            super().__init__("road_anomaly", _listed(index), _ARCHIVE_VALUES)
        else:
            super().__init__("road_anomaly", pairs_below(root, _HOMES, _LAYOUTS), _COPY_VALUES)
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNT)


def _listed(index: Path) -> tuple[Pair, ...]:
    try:
        names = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{index}: is not a JSON list of file names ({error}); unpack the set again") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{index}: is not a JSON list of file names; unpack the set again")
    return tuple(_pair(index, name) for name in names)


def _pair(index: Path, name: str) -> Pair:
    image = index.parent / "frames" / name
    labels = image.with_name(f"{image.stem}.labels") / "labels_semantic.png"
    for path in (image, labels):
        if not path.is_file():
            raise DataError(f"{path}: missing, though {index.name} lists {name}; unpack the set again")
    return Pair(image.stem, image, labels)


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    RoadAnomaly,
    site="https://www.epfl.ch/labs/cvlab/data/road-anomaly: RoadAnomaly_jpg.zip",
    terms="free to download; credits of each photograph are in the archive",
    size="some ten MB",
    folders=("RoadAnomaly_jpg", "RoadAnomaly"),
    signs=("frame_list.json", "*/frame_list.json", "original/*", "images/*", "*/original/*", "*/images/*"),
)

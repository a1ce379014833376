"""Fishyscapes Lost & Found, validation: a hundred masks over pictures of Lost and Found."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.layout import (
    Layout,
    Pair,
    given_folder,
    matching,
    pairs_below,
    require_count,
    require_folder,
    require_split,
)
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.benchmarks.formats.numbered_masks import numbered_masks, over_pictures, picture_stems
from ood_eval.benchmarks.formats.values import BINARY
from ood_eval.errors import DataError

# Where the masks are: the official zip, then as SegmentMeIfYouCan and Open-set-M2F keep them.
_MASKS: Final = (
    "*_labels",
    "fishyscapes_lostandfound/*_labels",
    "labels/val/*_fishy-labels",
    "dataset_FishyLAF/labels/val/*_fishy-labels",
    "validation/gtFine/*_labels",
    "fs_lost_found/validation/gtFine/*_labels",
)
# Where the pictures are, below `images` or root: train is looked through before test, as bdl-benchmark does.
_PICTURES: Final = (
    "leftImg8bit/train/*/*_leftImg8bit",
    "leftImg8bit/test/*/*_leftImg8bit",
    "leftImg8bit/*_leftImg8bit",
    "*_leftImg8bit",
)
_PICTURE_HOMES: Final = (
    "",
    "laf_images",
    "lost_and_found",
    "lostandfound",
    "LostAndFound",
    "dataset_LostAndFound",
    "validation",
    "fs_lost_found/validation",
)
_COPY_HOMES: Final = ("", "LostAndFound", "fishyscapes/LostAndFound", "FS_LostFound_full", "fs_lost_and_found")
_COPIES: Final = (Layout("original/*", "labels/*"), Layout("images/*", "labels_masks/*"))
_OFFICIAL_COUNT: Final = 100


class FishyscapesLostAndFound(MaskedImages):
    """The validation split; one of its masks holds no anomaly. The test split is hidden.

    Layouts: the official masks `NNNN_<stem>_labels.png` (or `<stem>_fishy-labels.png`) with a Lost and Found tree
    `leftImg8bit/{train,test}/<sequence>/<stem>_leftImg8bit.png`, or a flat folder of such pictures; `original/` with
    `labels/`; `images/` with `labels_masks/`.

    Args:
        root: folder with the masks.
        split: `validation`.
        images: folder with the Lost and Found pictures; looked for below `root` and beside it as well.
        official: False allows another count than 100.

    Source: Blum et al. 2021 (https://arxiv.org/abs/1904.03215) and hermannsblum/bdl-benchmark.

    Raises:
        ConfigError: the split is unknown.
        DataError: the labels are hidden, a picture is missing, or the count differs.
    """

    splits: ClassVar[tuple[str, ...]] = ("validation",)
    scored: ClassVar[str | None] = "validation"

    def __init__(self, root: Path, split: str, *, images: Path | str | None = None, official: bool = True) -> None:
        require_split("fishyscapes_lostandfound", split, self.splits, {"test": "https://fishyscapes.com"})
        require_folder(root)
        super().__init__(
            "fishyscapes_lostandfound", _pairs(root, None if images is None else given_folder("images", images)), BINARY
        )
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNT)


def _pairs(root: Path, images: Path | None) -> tuple[Pair, ...]:
    masks = numbered_masks(root, _MASKS)
    if not masks:
        return pairs_below(root, _COPY_HOMES, _COPIES)
    wanted = {stem for key in masks for stem in picture_stems(key)}
    places = [base / home for base in (root, root.parent) for home in _PICTURE_HOMES]
    places = places if images is None else [images, *places]
    found: dict[str, Path] = {}
    for place in places:
        for pattern in _PICTURES:
            for stem, path in matching(place, pattern).items():
                if stem in wanted:
                    found.setdefault(stem, path)
    if not found:
        raise DataError(
            f"{root}: has masks but none of their pictures; get Lost and Found (leftImg8bit.zip) and give its folder "
            "as the option images"
        )
    return over_pictures(root, masks, found)


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    FishyscapesLostAndFound,
    site="https://fishyscapes.com/dataset: fishyscapes_lostandfound.zip (masks)",
    terms="free to download; the pictures have the terms of Lost and Found",
    size="0.7 MB, and 5.8 GB of pictures",
    folders=(
        "Fishyscapes",
        "fishyscapes",
        "dataset_FishyLAF",
        "fs_lost_found",
        "FS_LostFound_full",
        "fs_lost_and_found",
    ),
    signs=(
        "[0-9]*_[0-9][0-9]_[A-Z]*_labels.*",
        "[0-9][0-9]_[A-Z]*_labels.*",
        "fishyscapes_lostandfound/*_labels.*",
        "labels/val/*",
        "*/labels/val/*",
        "validation/gtFine/*",
        "*/validation/gtFine/*",
        "original/*",
        "images/*",
        "LostAndFound/original/*",
        "*/LostAndFound/original/*",
        "FS_LostFound_full/images/*",
        "fs_lost_and_found/*/*",
    ),
    needs={"images": "lost_and_found"},
)

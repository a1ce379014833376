"""Fishyscapes Lost & Found, validation: a hundred masks over pictures of Lost and Found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from ood_eval.data.layout import (
    Layout,
    Pair,
    matching,
    pair_up,
    pairs_below,
    require_count,
    require_folder,
    require_split,
)
from ood_eval.data.masked import MaskedImages
from ood_eval.data.values import BINARY
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
_NUMBERED: Final = re.compile(r"[0-9]{4}_(.+)")
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
        super().__init__("fishyscapes_lostandfound", _pairs(root, None if images is None else Path(images)), BINARY)
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNT)


def numbered_masks(root: Path, patterns: tuple[str, ...]) -> dict[str, Path]:
    """Masks by their key, which may start with Fishyscapes' own four digits; empty where there are none."""
    return next(filter(None, (matching(root, pattern) for pattern in patterns)), {})


def picture_stem(key: str) -> str:
    """The name of the picture that a mask lies on; two masks may lie on one picture."""
    match = _NUMBERED.fullmatch(key)
    stem = match[1] if match is not None else key
    return stem.removesuffix("_leftImg8bit")


def _pairs(root: Path, images: Path | None) -> tuple[Pair, ...]:
    masks = numbered_masks(root, _MASKS)
    if not masks:
        return pairs_below(root, _COPY_HOMES, _COPIES)
    wanted = {picture_stem(key) for key in masks}
    places = [*(root / home for home in _PICTURE_HOMES), root.parent]
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


def over_pictures(root: Path, masks: Mapping[str, Path], pictures: Mapping[str, Path]) -> tuple[Pair, ...]:
    """Each mask with the picture it lies on.

    Raises:
        DataError: a picture is missing.
    """
    stems = {key: picture_stem(key) for key in masks}
    return pair_up(root, {key: pictures[stem] for key, stem in stems.items() if stem in pictures}, masks)

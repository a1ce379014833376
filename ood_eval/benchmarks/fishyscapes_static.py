"""Fishyscapes Static, validation: thirty Cityscapes pictures with something pasted in."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.images import image_size, read_rgb
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

_MASKS: Final = ("*_labels", "fishyscapes_static/*_labels", *(f"fs_val_v{n}/*_labels" for n in (3, 2, 1)))
_CITYSCAPES_HOMES: Final = ("", "cityscapes", "Cityscapes", "../cityscapes", "../Cityscapes")
_PICTURES: Final = ("leftImg8bit/val/*/*_leftImg8bit", "leftImg8bit_trainvaltest/leftImg8bit/val/*/*_leftImg8bit")
_COPY_HOMES: Final = ("", "Static", "fishyscapes/Static", "FS_Static", "fs_static")
_COPIES: Final = (Layout("original/*", "labels/*"), Layout("images/*", "labels_masks/*"))
_OFFICIAL_COUNT: Final = 30
# What numpy raises for archives that are cut short, damaged, or none.
_UNREADABLE: Final = (
    OSError, ValueError, KeyError, EOFError, TypeError, NotImplementedError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


class FishyscapesStatic(MaskedImages):
    """The validation split, any of the versions v1 to v3. The test split is hidden.

    Layouts: masks `NNNN_<id>_labels.png` and overlays `NNNN...rgb.npz` over `leftImg8bit/val` of Cityscapes;
    `original/` with `labels/` and `images/` with `labels_masks/`, where the pictures are already put together.

    Args:
        root: folder with masks and overlays; of several versions below it the newest is read.
        split: `validation`.
        cityscapes: root of Cityscapes; looked for below `root` and beside it as well.
        official: False allows another count than 30.

    Source: Blum et al. 2021 (https://arxiv.org/abs/1904.03215) and hermannsblum/bdl-benchmark: picture =
    clip(Cityscapes + overlay, 0, 255).

    Raises:
        ConfigError: the split is unknown.
        DataError: the labels are hidden, a picture or an overlay is missing, or the count differs.
    """

    splits: ClassVar[tuple[str, ...]] = ("validation",)
    scored: ClassVar[str | None] = "validation"

    def __init__(self, root: Path, split: str, *, cityscapes: Path | str | None = None, official: bool = True) -> None:
        require_split("fishyscapes_static", split, self.splits, {"test": "https://fishyscapes.com"})
        require_folder(root)
        masks = numbered_masks(root, _MASKS)
        base = None if cityscapes is None else given_folder("cityscapes", cityscapes)
        pairs = _over_cityscapes(root, masks, base) if masks else pairs_below(root, _COPY_HOMES, _COPIES)
        super().__init__("fishyscapes_static", pairs, BINARY)
        self._overlays = tuple(_overlay_of(pair.labels) for pair in pairs) if masks else ()
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNT)

    def files(self, index: int) -> Sequence[Path]:
        """Image, overlay if there is one, and mask of sample `index`."""
        pair = self.pairs[index]
        return (pair.image, *self._overlays[index : index + 1], pair.labels)

    def check(self) -> None:
        """Compares every mask and overlay with its image's header, and every mask with the table of values.

        Raises:
            DataError: a file is unreadable, a size differs, or a value is outside the table.
        """
        super().check()
        for index, overlay in enumerate(self._overlays):
            width, height = image_size(self.pairs[index].image)
            _read_overlay(overlay, (height, width, 3))

    def _image(self, index: int) -> NDArray[np.uint8]:
        image = read_rgb(self.pairs[index].image)
        if not self._overlays:
            return image
        overlay = _read_overlay(self._overlays[index], image.shape)
        return np.clip(image.astype(np.int64) + overlay.astype(np.int64), 0, 255).astype(np.uint8)


def _over_cityscapes(root: Path, masks: dict[str, Path], cityscapes: Path | None) -> tuple[Pair, ...]:
    wanted = {stem for key in masks for stem in picture_stems(key)}
    places = [root / home for home in _CITYSCAPES_HOMES]
    places = places if cityscapes is None else [cityscapes, *places]
    for place in places:
        for pattern in _PICTURES:
            pictures = {stem: path for stem, path in matching(place, pattern).items() if stem in wanted}
            if pictures:
                return over_pictures(root, masks, pictures)
    raise DataError(
        f"{root}: has overlays but not the pictures they lie on; get Cityscapes (leftImg8bit_trainvaltest.zip, "
        "registration needed) and give its folder as the option cityscapes"
    )


def _overlay_of(mask: Path) -> Path:
    number = mask.name.partition("_")[0]
    found = sorted(mask.parent.glob(f"{number}*rgb.npz"))
    if len(found) != 1:
        raise DataError(
            f"{mask}: {len(found)} overlays {number}*rgb.npz beside it where one is needed; unpack the set again"
        )
    return found[0]


def _read_overlay(path: Path, shape: tuple[int, ...]) -> NDArray[np.generic]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            overlay: NDArray[np.generic] = archive["rgb"]
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: is no overlay with an array rgb ({reason}); unpack the set again") from error
    if overlay.dtype.kind not in "iuf" or not np.isfinite(overlay).all():
        raise DataError(f"{path}: rgb does not hold finite numbers; unpack the set again")
    if overlay.shape != shape:
        raise DataError(f"{path}: is {overlay.shape} but its picture is {shape}; unpack the set again")
    return overlay


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    FishyscapesStatic,
    site="https://fishyscapes.com/dataset: validation overlays (fs_val_v1 to v3)",
    terms="free to download; the pictures need the Cityscapes licence",
    size="some MB, and 11 GB of pictures",
    folders=("Fishyscapes", "fishyscapes", "fs_static", "FS_Static", "fs_val_v3"),
    signs=(
        "*rgb.npz",
        "fishyscapes_static/*rgb.npz",
        "fs_val_v*/*rgb.npz",
        "original/*",
        "images/*",
        "Static/original/*",
        "*/Static/original/*",
        "FS_Static/images/*",
        "fs_static/*/*",
    ),
    needs={"cityscapes": "cityscapes"},
)

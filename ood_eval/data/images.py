"""Reading images and label maps, with the checks that keep a damaged file from becoming a wrong number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ood_eval.errors import DataError


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An [H,W,3] u8 RGB image; an alpha channel is dropped.

    Raises:
        DataError: the file is missing or is no image.
    """
    return _read(path, "RGB")


def read_labels(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """An [H,W] u8 label map of `size` = (H, W).

    Raises:
        DataError: the file is missing, is no single-channel 8-bit image, or has another size.
    """
    labels = _read(path, None)
    if labels.ndim != 2:
        raise DataError(f"{path}: a label map has one channel, this one has {labels.shape[2]}; is it a colour preview?")
    if labels.shape != size:
        have, want = f"{labels.shape[1]}x{labels.shape[0]}", f"{size[1]}x{size[0]}"
        raise DataError(f"{path}: the label map is {have} but its image is {want}")
    return labels


def image_size(path: Path) -> tuple[int, int]:
    """(width, height) in px, read from the header alone.

    Raises:
        DataError: the file is missing or is no image.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(f"{path}: not a readable image ({_reason(error)}); render or unpack it again") from error


def _read(path: Path, mode: str | None) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if mode is None and image.mode not in {"L", "P", "RGB", "RGBA"}:
                raise DataError(f"{path}: a label map is an 8-bit PNG, this one has mode {image.mode}")
            return np.array(image if mode is None else image.convert(mode), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise DataError(f"{path}: not a readable image ({_reason(error)}); render or unpack it again") from error


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, UnidentifiedImageError):
        return "unknown format"
    return str(error).splitlines()[0] if str(error) else type(error).__name__

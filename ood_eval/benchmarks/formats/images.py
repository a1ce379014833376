"""Reading images and label maps, with the checks that keep a damaged file from becoming a wrong number."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ood_eval.errors import DataError

# What Pillow raises for files that are damaged, cut short, or far too large to be meant.
_UNREADABLE: Final = (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An [H,W,3] u8 RGB image; an alpha channel is dropped.

    Raises:
        DataError: the file is missing, is no image, or has more than 8 bits a channel.
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
    except _UNREADABLE as error:
        raise DataError(f"{path}: not a readable image ({_reason(error)}); render or unpack it again") from error


def _read(path: Path, mode: str | None) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if mode is None:
                _require_plain(image, path)
            elif image.mode.startswith(("I", "F")):
                raise DataError(f"{path}: has more than 8 bits a channel (mode {image.mode}); save it with 8")
            return np.array(image if mode is None else image.convert(mode), dtype=np.uint8)
    except _UNREADABLE as error:
        raise DataError(f"{path}: not a readable image ({_reason(error)}); render or unpack it again") from error


def _require_plain(image: Image.Image, path: Path) -> None:
    """Refuses label maps whose values are not the file's bytes: other depths, and greys that go through a palette."""
    if image.mode not in {"L", "P", "RGB", "RGBA"}:
        raise DataError(f"{path}: a label map is an 8-bit PNG, this one has mode {image.mode}")
    if image.mode == "L" and any(str(raw).startswith("L;") for raw in _raw_modes(image)):
        raise DataError(f"{path}: a label map has 8 bits a pixel, this one fewer; save it as 8-bit grey")
    if image.mode == "P":
        colours = np.array(image.getpalette(), dtype=np.int64).reshape(-1, 3)
        greys = bool((colours == colours[:, :1]).all())
        if greys and bool((colours[:, 0] != np.arange(len(colours))).any()):
            raise DataError(
                f"{path}: its greys go through a palette, so its values are ambiguous; save it as 8-bit grey"
            )


def _raw_modes(image: Image.Image) -> list[object]:
    """What Pillow calls the pixels in the file."""
    found: list[object] = []
    for tile in getattr(image, "tile", ()):
        arguments = tile[3]
        found.append(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, UnidentifiedImageError):
        return "unknown format"
    return str(error).splitlines()[0] if str(error) else type(error).__name__

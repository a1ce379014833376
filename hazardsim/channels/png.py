"""Pictures to PNG bytes and back, range-checked: an id that does not fit raises, it never wraps."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import DatasetError
from hazardsim.taxonomy import STREET_HAZARDS_ANOMALY

_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 4]
LARGEST_LABEL = STREET_HAZARDS_ANOMALY + 1
LARGEST_DEPTH = 2**24 - 1


def png_from_rgb(rgb: NDArray[np.uint8]) -> bytes:
    """PNG of [H,W,3] u8."""
    return _encode(np.ascontiguousarray(rgb[..., ::-1]))


def png_from_labels(labels: NDArray[np.uint8]) -> bytes:
    """8 bit grey PNG of StreetHazards label values [H,W] u8, each 1..14.

    Raises:
        DatasetError: a value is outside the table.
    """
    low, high = int(labels.min()), int(labels.max())
    if low < 1 or high > LARGEST_LABEL:
        raise DatasetError(f"label value {low if low < 1 else high} is outside 1..{LARGEST_LABEL}")
    return _encode(labels)


def png_from_instances(instances: NDArray[np.uint16]) -> bytes:
    """16 bit grey PNG of instance numbers [H,W] u16."""
    return _encode(instances)


def png_from_depth(depth: NDArray[np.uint32]) -> bytes:
    """RGB PNG of 24 bit depth [H,W] u32, CARLA's own coding: red + 256 green + 65536 blue.

    Raises:
        DatasetError: a value does not fit into 24 bits.
    """
    if int(depth.max()) > LARGEST_DEPTH:
        raise DatasetError(f"depth value {int(depth.max())} does not fit into 24 bits")
    return _encode(np.stack([(depth >> shift & 255).astype(np.uint8) for shift in (16, 8, 0)], axis=-1))


def rgb_from_png(path: Path) -> NDArray[np.uint8]:
    """[H,W,3] u8; a fourth channel is dropped."""
    picture = _decode(path, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(picture[..., ::-1]).astype(np.uint8, copy=False)


def labels_from_png(path: Path) -> NDArray[np.uint8]:
    """StreetHazards label values [H,W] u8.

    Raises:
        DatasetError: not an 8 bit grey PNG, or a value outside 1..14.
    """
    labels = _decode(path, cv2.IMREAD_UNCHANGED)
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise DatasetError(f"{path}: a label image must be 8 bit grey, this is {labels.dtype} {labels.shape}")
    low, high = int(labels.min()), int(labels.max())
    if low < 1 or high > LARGEST_LABEL:
        raise DatasetError(f"{path}: label value {low if low < 1 else high} is outside 1..{LARGEST_LABEL}")
    return labels.astype(np.uint8, copy=False)


def instances_from_png(path: Path) -> NDArray[np.uint16]:
    """Instance numbers [H,W] u16.

    Raises:
        DatasetError: not a 16 bit grey PNG.
    """
    instances = _decode(path, cv2.IMREAD_UNCHANGED)
    if instances.ndim != 2 or instances.dtype != np.uint16:
        raise DatasetError(f"{path}: an instance image must be 16 bit grey, this is {instances.dtype}")
    return instances.astype(np.uint16, copy=False)


def depth_from_png(path: Path) -> NDArray[np.uint32]:
    """24 bit depth [H,W] u32."""
    blue, green, red = np.moveaxis(_decode(path, cv2.IMREAD_COLOR).astype(np.uint32), -1, 0)
    return np.asarray(red + 256 * green + 65536 * blue, dtype=np.uint32)


def _encode(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    done, data = cv2.imencode(".png", picture, _PNG)
    if not done:
        raise DatasetError(f"a picture of {picture.shape} {picture.dtype} cannot be written as PNG")
    return bytes(data)


def _decode(path: Path, mode: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    picture = cv2.imdecode(data, mode) if data.size else None
    if picture is None or picture.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{path} is not a readable picture; render the frame again or delete the file")
    return picture  # type: ignore[return-value]

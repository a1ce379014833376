"""Exact labels: what one ray through the centre of each pixel meets, and CARLA's encodings of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.taxonomy import TAG

FAR_M: Final = 1000.0
_DEPTH_STEPS: Final = 256**3 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One answer for all label cameras, [H,W]: tag u8, object_id u32, depth_m f32 along the optical axis, inf = sky."""

    tag: NDArray[np.uint8]
    object_id: NDArray[np.uint32]
    depth_m: NDArray[np.float32]


def labels_of_hits(
    pinhole: PinholeCamera,
    met: NDArray[np.bool_],
    tag: NDArray[np.uint8],
    object_id: NDArray[np.uint32],
    distance_m: NDArray[np.float32],
) -> Labels:
    """Labels from what each pixel's ray met, all [H,W]; `distance_m` is along the ray."""
    axis = pinhole.matrix[:3, 0]
    along = pinhole.directions() @ (axis / np.linalg.norm(axis))
    return Labels(
        np.where(met, tag, TAG["Sky"]).astype(np.uint8),
        np.where(met, object_id, 0).astype(np.uint32),
        np.where(met, distance_m * along, np.inf).astype(np.float32),
    )


def _bgra(red: NDArray[np.uint8], green: NDArray[np.uint8], blue: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([blue, green, red, np.full(red.shape, 255, dtype=np.uint8)])


def semantic_image(labels: Labels) -> NDArray[np.uint8]:
    """[H,W,4] BGRA with the tag in red."""
    none = np.zeros_like(labels.tag)
    return _bgra(labels.tag, none, none)


def instance_image(labels: Labels) -> NDArray[np.uint8]:
    """[H,W,4] BGRA with the tag in red and the lowest 16 bits of the object id in green (low) and blue (high)."""
    low, high = labels.object_id & 0xFF, (labels.object_id >> 8) & 0xFF
    return _bgra(labels.tag, low.astype(np.uint8), high.astype(np.uint8))


def depth_image(labels: Labels) -> NDArray[np.uint8]:
    """[H,W,4] BGRA: R + 256 G + 65536 B = depth / 1000 m * (2^24 - 1); sky and all beyond is 1000 m."""
    share = np.clip(np.where(np.isfinite(labels.depth_m), labels.depth_m, FAR_M).astype(np.float64) / FAR_M, 0, 1)
    code = np.rint(share * _DEPTH_STEPS).astype(np.uint32)
    return _bgra(*((code >> shift & 0xFF).astype(np.uint8) for shift in (0, 8, 16)))

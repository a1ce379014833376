"""Exact labels: what one ray through the centre of each pixel meets, and CARLA's encodings of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.geometry import Soup
from hazardsim.server.render.view import View
from hazardsim.taxonomy import TAG

FAR_M: Final = 1000.0
_DEPTH_STEPS: Final = 256**3 - 1
NO_FACE: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One answer for all label cameras: tag [H,W] u8, object_id [H,W] u32, depth_m [H,W] f32 along the axis, inf = sky."""

    tag: NDArray[np.uint8]
    object_id: NDArray[np.uint32]
    depth_m: NDArray[np.float32]


def labels_of_hits(view: View, soup: Soup, face: NDArray[np.uint32], distance_m: NDArray[np.float32]) -> Labels:
    """Labels from face numbers [H,W] (NO_FACE = nothing) and distances [H,W] along the pixels' rays."""
    met = face != NO_FACE
    index = np.where(met, face, 0)
    tag = np.full(face.shape, TAG["Sky"], dtype=np.uint8)
    object_id = np.zeros(face.shape, dtype=np.uint32)
    if len(soup):
        tag = np.where(met, soup.tag[index], tag)
        object_id = np.where(met, soup.object_id[index], object_id)
    axis = view.matrix[:3, 0]
    along = view.directions() @ (axis / np.linalg.norm(axis))
    depth = np.where(met, distance_m * along, np.inf).astype(np.float32)
    return Labels(tag.astype(np.uint8), object_id.astype(np.uint32), depth)


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

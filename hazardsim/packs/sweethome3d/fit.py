"""Brings a furniture library's model to its catalogue size, in metres, from y up to z up, front towards +x."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.shape import rotation
from hazardsim.mesh.wavefront import read_obj
from hazardsim.packs.convert import converted, sound_groups
from hazardsim.packs.pack import ConvertedModel
from hazardsim.packs.sweethome3d.furniture_library import Furniture, FurnitureLibrary

_AGREE: Final = 1.1
"""Up to this ratio between the axes' scale factors each axis gets its own; above, the median serves all three."""

_FROM_Y_UP: Final = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""x right, y up, front +z becomes x forward, y left, z up."""


def convert(library: FurnitureLibrary, item: Furniture, turn_deg: float = 0.0) -> ConvertedModel:
    """Convert one model to its catalogue size.

    Raises:
        AssetError: the model is unreadable, empty or above the triangle budget.
    """
    groups, textures = read_obj(item.model, library.beside(item.model), library.read)
    groups = sound_groups(groups, f"{library.path}: {item.id}")
    turn, factors = _fit(np.concatenate([g.corners.reshape(-1, 3) for g in groups]), item)
    uniform = float(factors.max() / factors.min()) > _AGREE
    scale = np.full(3, float(np.median(factors))) if uniform else factors
    matrix = rotation("z", turn_deg) @ _FROM_Y_UP @ np.diag(scale) @ turn
    return converted(groups, textures, matrix, _scale_text(scale, uniform))


def _scale_text(scale: NDArray[np.float64], uniform: bool) -> str:
    numbers = f"{scale[0]:.5g}" if uniform or np.ptp(scale) < 1e-9 else "/".join(f"{s:.5g}" for s in scale)
    return f"scaled by {numbers} to metres" + (
        " (one factor: the catalogue's box has other proportions)" if uniform else ""
    )


def _fit(points: NDArray[np.float64], item: Furniture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotation [3,3] and scale factors [3] that bring the points to the catalogue's width, height and depth.

    Of a stated rotation and none, the one whose three factors agree better.
    """
    wanted = np.array([item.size_m[0], item.size_m[2], item.size_m[1]])
    plain = _factors(points, np.eye(3), wanted)
    if item.rotation is None:
        return np.eye(3), plain
    turned = _factors(points, item.rotation, wanted)
    if turned.max() / turned.min() <= plain.max() / plain.min() * 1.05:
        return item.rotation, turned
    return np.eye(3), plain


def _factors(
    points: NDArray[np.float64], turn: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    factors: NDArray[np.float64] = wanted / np.maximum(np.ptp(points @ turn.T, axis=0), 1e-9)
    return factors

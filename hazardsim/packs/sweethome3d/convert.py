"""From a furniture library's model to the project's own: metres, front towards +x, base on the origin."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import GRID, creased_normals, indexed
from hazardsim.mesh.model import Material, Model, Part
from hazardsim.mesh.shape import rotation
from hazardsim.mesh.wavefront import Surface, read_obj
from hazardsim.packs.sweethome3d.furniture_library import Furniture, FurnitureLibrary

BUDGET: Final = 40_000
"""Triangles that a model may have."""

_AGREE: Final = 1.1
"""Up to this ratio between the axes' scale factors each axis gets its own; above, the median serves all three."""

_INSIDE_OUT: Final = 0.02
"""A model counts as inside out if its signed volume is below minus this share of its box; less is an open surface."""

_FROM_Y_UP: Final = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""x right, y up, front +z becomes x forward, y left, z up."""


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A model ready to be stored; textures by file name; `changes` says what was done to the original."""

    parts: tuple[Part, ...]
    textures: dict[str, bytes]
    changes: tuple[str, ...]
    size_m: tuple[float, float, float]
    triangles: int


def convert(library: FurnitureLibrary, item: Furniture, turn_deg: float = 0.0) -> Converted:
    """Convert one model to its catalogue size.

    Raises:
        AssetError: the model is unreadable, empty or above the triangle budget.
    """
    surfaces, textures = read_obj(item.model, library.beside(item.model), library.read)
    surfaces = [kept for s in surfaces if len((kept := _sound(s)).corners)]
    count = sum(len(s.corners) for s in surfaces)
    if count == 0:
        raise AssetError(f"{library.path}: {item.id} has no triangle with an area")
    if count > BUDGET:
        raise AssetError(f"{library.path}: {item.id} has {count} triangles, the budget is {BUDGET}; take another model")
    every = np.concatenate([s.corners.reshape(-1, 3) for s in surfaces])
    turn, factors = _fit(every, item)
    uniform = float(factors.max() / factors.min()) > _AGREE
    scale = np.full(3, float(np.median(factors))) if uniform else factors
    matrix = rotation("z", turn_deg) @ _FROM_Y_UP @ np.diag(scale) @ turn
    moved = [s.corners @ matrix.T for s in surfaces]
    low = np.min([m.reshape(-1, 3).min(axis=0) for m in moved], axis=0)
    high = np.max([m.reshape(-1, 3).max(axis=0) for m in moved], axis=0)
    base = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    moved = [np.round((m - base) * GRID) / GRID for m in moved]
    inside_out = sum(_signed_volume(m) for m in moved) < -_INSIDE_OUT * float(np.prod(np.maximum(high - low, 1e-6)))
    parts = tuple(
        _part(m[:, ::-1] if inside_out else m, s, flip=inside_out) for m, s in zip(moved, surfaces, strict=True)
    )
    parts = _merged(parts)
    low, high = Model("", parts).bounds()
    length, width, height = (round(float(v), 4) for v in high - low)
    changes = [
        "turned to x forward, z up",
        "base centred on the origin",
        _scale_text(scale, uniform),
        "normals recomputed",
    ]
    if inside_out:
        changes.append("faces turned outside")
    used = {p.material.texture.name for p in parts if p.material.texture is not None}
    return Converted(
        parts,
        {name: content for name, content in textures.items() if name in used},
        tuple(changes),
        (length, width, height),
        sum(len(p.faces) for p in parts),
    )


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


def _sound(surface: Surface) -> Surface:
    """The surface without triangles that have no area or stray numbers."""
    a, b, c = (surface.corners[:, k] for k in range(3))
    with np.errstate(all="ignore"):
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        size = np.maximum.reduce([np.linalg.norm(b - a, axis=1), np.linalg.norm(c - a, axis=1)])
        keep = np.isfinite(area) & (area > 1e-9 * size * size)
    uv = None if surface.uv is None else np.nan_to_num(surface.uv[keep])
    return replace(surface, corners=surface.corners[keep], uv=uv)


def _signed_volume(corners: NDArray[np.float64]) -> float:
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))) / 6


def _part(corners: NDArray[np.float64], surface: Surface, flip: bool) -> Part:
    a, b, c = (corners[:, k] for k in range(3))
    across = np.cross(b - a, c - a)
    sound = np.linalg.norm(across, axis=1) > 1e-12
    corners, across = corners[sound], across[sound]
    points = corners.reshape(-1, 3)
    normals = creased_normals(points, np.arange(len(points)).reshape(-1, 3))
    if surface.uv is not None:
        uv = surface.uv[:, ::-1][sound] if flip else surface.uv[sound]
    else:
        plane = np.array([[1, 2], [0, 2], [0, 1]])[np.argmax(np.abs(across), axis=1)]
        uv = np.take_along_axis(corners, np.repeat(plane[:, None], 3, axis=1), axis=2)
    return indexed(corners, normals, uv, surface.material)


def _merged(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """One part a material; parts that lost all faces are dropped."""
    groups: dict[Material, list[Part]] = {}
    for item in parts:
        if len(item.faces):
            groups.setdefault(item.material, []).append(item)
    merged = []
    for look, group in groups.items():
        starts = np.cumsum([0, *(len(p.vertices) for p in group)])
        merged.append(
            Part(
                np.concatenate([p.vertices for p in group]),
                np.concatenate([p.faces + np.uint32(s) for p, s in zip(group, starts[:-1], strict=True)]).astype(
                    np.uint32
                ),
                np.concatenate([p.uv for p in group]),
                look,
                np.concatenate([n for p in group if (n := p.normals) is not None]),
            )
        )
    return tuple(merged)

"""From a source's triangles to a model of the project: metres, front towards +x, base on the origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import GRID, creased_normals, indexed
from hazardsim.mesh.model import Material, Model, Part
from hazardsim.mesh.shape import stacked
from hazardsim.mesh.wavefront import MaterialGroup
from hazardsim.packs.pack import ConvertedModel

BUDGET: Final = 40_000
"""Triangles that a model may have."""

_INSIDE_OUT: Final = 0.02
"""A model counts as inside out if its signed volume is below minus this share of its box; less is an open surface."""


def sound_groups(groups: Sequence[MaterialGroup], label: str) -> list[MaterialGroup]:
    """The groups without triangles that have no area or stray numbers; `label` names the model in errors.

    Raises:
        AssetError: nothing is left, or more than the triangle budget.
    """
    sound = [kept for group in groups if len((kept := _sound(group)).corners)]
    count = sum(len(group.corners) for group in sound)
    if count == 0:
        raise AssetError(f"{label} has no triangle with an area")
    if count > BUDGET:
        raise AssetError(f"{label} has {count} triangles, the budget is {BUDGET}; take another model")
    return sound


def converted(
    groups: Sequence[MaterialGroup], textures: dict[str, bytes], matrix: NDArray[np.float64], scaling: str
) -> ConvertedModel:
    """A model from groups as `sound_groups` gives them.

    `matrix` [3,3] brings the source's axes and units to metres with x forward, y left, z up; `scaling` says in words
    how it scales. Textures by file name; those that no material uses are left out.
    """
    moved = [group.corners @ matrix.T for group in groups]
    low = np.min([m.reshape(-1, 3).min(axis=0) for m in moved], axis=0)
    high = np.max([m.reshape(-1, 3).max(axis=0) for m in moved], axis=0)
    base = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    moved = [np.round((m - base) * GRID) / GRID for m in moved]
    inside_out = sum(_signed_volume(m) for m in moved) < -_INSIDE_OUT * float(np.prod(np.maximum(high - low, 1e-6)))
    parts = _merged(
        tuple(_part(m[:, ::-1] if inside_out else m, g, flip=inside_out) for m, g in zip(moved, groups, strict=True))
    )
    low, high = Model("", parts).bounds()
    length, width, height = (round(float(v), 4) for v in high - low)
    changes = ["turned to x forward, z up", "base centred on the origin", scaling, "normals recomputed"]
    if inside_out:
        changes.append("faces turned outside")
    used = {p.material.texture.name for p in parts if p.material.texture is not None}
    return ConvertedModel(
        parts,
        {name: content for name, content in textures.items() if name in used},
        tuple(changes),
        (length, width, height),
        sum(len(p.faces) for p in parts),
    )


def _sound(group: MaterialGroup) -> MaterialGroup:
    """The group without triangles that have no area or stray numbers."""
    a, b, c = (group.corners[:, k] for k in range(3))
    with np.errstate(all="ignore"):
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        size = np.maximum.reduce([np.linalg.norm(b - a, axis=1), np.linalg.norm(c - a, axis=1)])
        keep = np.isfinite(area) & (area > 1e-9 * size * size)
    uv = None if group.uv is None else np.nan_to_num(group.uv[keep])
    return replace(group, corners=group.corners[keep], uv=uv)


def _signed_volume(corners: NDArray[np.float64]) -> float:
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))) / 6


def _part(corners: NDArray[np.float64], group: MaterialGroup, flip: bool) -> Part:
    a, b, c = (corners[:, k] for k in range(3))
    across = np.cross(b - a, c - a)
    sound = np.linalg.norm(across, axis=1) > 1e-12
    corners, across = corners[sound], across[sound]
    points = corners.reshape(-1, 3)
    normals = creased_normals(points, np.arange(len(points)).reshape(-1, 3))
    if group.uv is not None:
        uv = group.uv[:, ::-1][sound] if flip else group.uv[sound]
    else:
        plane = np.array([[1, 2], [0, 2], [0, 1]])[np.argmax(np.abs(across), axis=1)]
        uv = np.take_along_axis(corners, np.repeat(plane[:, None], 3, axis=1), axis=2)
    return indexed(corners, normals, uv, group.material)


def _merged(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """One part a material; parts that lost all faces are dropped."""
    groups: dict[Material, list[Part]] = {}
    for item in parts:
        if len(item.faces):
            groups.setdefault(item.material, []).append(item)
    merged = []
    for material, group in groups.items():
        merged.append(
            Part(
                np.concatenate([p.vertices for p in group]),
                stacked([p.faces.astype(np.int64) for p in group], [len(p.vertices) for p in group]).astype(np.uint32),
                np.concatenate([p.uv for p in group]),
                material,
                np.concatenate([n for p in group if (n := p.normals) is not None]),
            )
        )
    return tuple(merged)

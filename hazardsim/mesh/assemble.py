"""From bare shapes to a model: shading normals, texture coordinates, a stand on the origin, a key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.model import Material, Model, Part
from hazardsim.mesh.shape import Shape, joined

GRID: Final = 65536.0
"""Points are rounded to 1/65536 m, so that another machine's last bit of a sine changes nothing."""

_CREASE_COSINE: Final = 0.72
"""Faces that meet at more than about 44 degrees keep a sharp edge."""


def part(shapes: Sequence[Shape], material: Material, smooth: bool = True) -> Part:
    """Shapes of one material as a part; uv are in metres, projected along each face's main axis."""
    whole = joined(shapes)
    points = np.round(whole.points * GRID) / GRID
    faces = whole.faces[areas(points, whole.faces) > 1e-12]
    corner_points = points[faces]
    face_normals = np.cross(corner_points[:, 1] - corner_points[:, 0], corner_points[:, 2] - corner_points[:, 0])
    main = np.argmax(np.abs(face_normals), axis=1)
    plane = np.array([[1, 2], [0, 2], [0, 1]])[main]
    uv = np.take_along_axis(corner_points, np.repeat(plane[:, None], 3, axis=1), axis=2)
    if smooth:
        normals = creased_normals(points, faces)
    else:
        unit = face_normals / np.linalg.norm(face_normals, axis=1, keepdims=True)
        normals = np.repeat(unit[:, None], 3, axis=1)
    return indexed(corner_points, normals, uv, material)


def indexed(
    points: NDArray[np.float64], normals: NDArray[np.float64], uv: NDArray[np.float64], material: Material
) -> Part:
    """A part from corners [F,3,3], normals [F,3,3] and uv [F,3,2], equal corners shared."""
    rows = np.concatenate([points, normals, uv], axis=2).reshape(-1, 8).astype(np.float32)
    rows[:, 3:6] = np.round(rows[:, 3:6] * 1024.0) / 1024.0
    rows += np.float32(0.0)
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, 32))).ravel()
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    shared = rows[first]
    direction = shared[:, 3:6]
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    return Part(
        vertices=np.ascontiguousarray(shared[:, :3]),
        faces=inverse.reshape(-1, 3).astype(np.uint32),
        uv=np.ascontiguousarray(shared[:, 6:8]),
        material=material,
        normals=np.ascontiguousarray(direction / np.where(length > 0, length, 1.0), dtype=np.float32),
    )


def areas(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Areas [F] of triangles in square metres."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    area: NDArray[np.float64] = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return area


def creased_normals(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit normals [F,3,3] of all corners: the mean over faces within the crease, by angle and area.

    Points that lie on the same spot count as one, whatever their index. Area keeps large flat faces flat beside bevels.
    Source: Thuermer and Wuethrich, Computing vertex normals from polygonal facets, 1998.
    """
    _, spot = np.unique(points, axis=0, return_inverse=True)
    corners = points[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    unit = _unit(across)
    ahead = _unit(np.roll(corners, -1, axis=1) - corners)
    behind = _unit(np.roll(corners, 1, axis=1) - corners)
    angle = np.arccos(np.clip(np.einsum("ijk,ijk->ij", ahead, behind), -1.0, 1.0))
    share = (angle * np.linalg.norm(across, axis=1)[:, None]).reshape(-1)

    corner_spot = spot.reshape(-1)[faces].reshape(-1)
    order = np.argsort(corner_spot, kind="stable")
    owner = np.repeat(np.arange(len(faces)), 3)[order]
    _, start, count = np.unique(corner_spot[order], return_index=True, return_counts=True)
    repeats = np.repeat(count, count)
    left = np.repeat(np.arange(len(owner)), repeats)
    within = np.arange(len(left)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    right = np.repeat(np.repeat(start, count), repeats) + within
    close = np.einsum("ij,ij->i", unit[owner[left]], unit[owner[right]]) > _CREASE_COSINE
    weight = share[order][right] * close
    total = np.stack(
        [np.bincount(left, unit[owner[right], k] * weight, minlength=len(owner)) for k in range(3)], axis=1
    )
    size = np.linalg.norm(total, axis=1, keepdims=True)
    total = np.where(size > 1e-30, total / np.where(size > 1e-30, size, 1.0), unit[owner])
    normals = np.zeros((len(total), 3))
    normals[order] = total
    return normals.reshape(-1, 3, 3)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: NDArray[np.float64] = vectors / np.where(length > 0, length, 1.0)
    return scaled


def stand(parts: Iterable[Part], size_m: tuple[float, float, float] | None = None) -> tuple[Part, ...]:
    """The parts with the middle of their base at the origin; with `size_m` also stretched to that box."""
    whole = tuple(parts)
    low, high = Model("", whole).bounds()
    shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    factor = np.ones(3) if size_m is None else np.asarray(size_m) / (high - low)
    return tuple(_placed(p, shift, factor) for p in whole)


def _placed(old: Part, shift: NDArray[np.float64], factor: NDArray[np.float64]) -> Part:
    vertices = np.round((old.vertices.astype(np.float64) - shift) * factor * GRID) / GRID
    normals = old.normals
    if normals is not None and not np.allclose(factor, 1.0):
        bent = normals / factor
        normals = (bent / np.linalg.norm(bent, axis=1, keepdims=True)).astype(np.float32)
    return replace(old, vertices=vertices.astype(np.float32), normals=normals)


def model(name: str, parts: Iterable[Part]) -> Model:
    """A model whose key is its name and a hash over geometry and materials."""
    whole = tuple(parts)
    return Model(f"{name}-{digest(whole)[:16]}", whole)


def digest(parts: Iterable[Part]) -> str:
    """SHA-256 over points, faces, uv and materials (a texture by its bytes), as hexadecimal text."""
    total = hashlib.sha256()
    for item in parts:
        untextured = replace(item.material, texture=None)
        total.update(repr(astuple(untextured)).encode())
        if item.material.texture is not None:
            total.update(item.material.texture.read_bytes())
        for array in (item.vertices, item.faces, item.uv):
            total.update(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes())
    return total.hexdigest()

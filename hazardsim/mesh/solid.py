"""Triangles with texture coordinates in metres, as towns are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.shape import circles, directions, stacked

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """Loose triangles: vertices [V,3], faces [F,3], uv [V,2] in metres, normals [V,3] or None for flat shading."""

    vertices: Floats
    faces: NDArray[np.int64]
    uv: Floats
    normals: Floats | None = None

    def moved(self, pose: Floats) -> Solid:
        """The solid under a rigid pose [4,4]; uv stay."""
        turn = pose[:3, :3]
        normals = None if self.normals is None else self.normals @ turn.T
        return Solid(self.vertices @ turn.T + pose[:3, 3], self.faces, self.uv, normals)


def quads(corners: Floats, uv: Floats) -> Solid:
    """Quads [Q,4,3], counter-clockwise seen from outside, with uv [Q,4,2]."""
    count = len(corners)
    base = np.arange(count)[:, None, None] * 4
    faces = (base + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return Solid(corners.reshape(-1, 3), faces, uv.reshape(-1, 2))


def _cross(a: Floats, b: Floats) -> Floats:
    """Cross products of [N,3]; `np.cross` costs ten times as much on short arrays."""
    x = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    y = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    z = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return np.stack([x, y, z], axis=1)


def planar_quads(corners: Floats) -> Solid:
    """Quads [Q,4,3] whose uv are metres along their first edge and across it, from the first corner."""
    first = corners[:, 1] - corners[:, 0]
    along = first / np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    normal = _cross(first, corners[:, 3] - corners[:, 0])
    across = _cross(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9), along)
    offset = corners - corners[:, :1]
    uv = np.stack([(offset * along[:, None]).sum(axis=2), (offset * across[:, None]).sum(axis=2)], axis=2)
    return quads(corners, uv)


# Corners of the six sides of a box as columns of the table x0 y0 z0 x1 y1 z1.
_BOX = np.array(
    [
        [[3, 1, 2], [3, 4, 2], [3, 4, 5], [3, 1, 5]],
        [[0, 4, 2], [0, 1, 2], [0, 1, 5], [0, 4, 5]],
        [[3, 4, 2], [0, 4, 2], [0, 4, 5], [3, 4, 5]],
        [[0, 1, 2], [3, 1, 2], [3, 1, 5], [0, 1, 5]],
        [[0, 1, 5], [3, 1, 5], [3, 4, 5], [0, 4, 5]],
        [[0, 4, 2], [3, 4, 2], [3, 1, 2], [0, 1, 2]],
    ]
)


def solid_boxes(low: Floats, high: Floats) -> Solid:
    """Axis-aligned boxes between corners [N,3] and [N,3]."""
    corners = np.concatenate([low, high], axis=1)[:, _BOX].reshape(-1, 4, 3)
    wide = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    tall = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    uv = np.zeros((len(corners), 4, 2))
    uv[:, 1:3, 0], uv[:, 2:, 1] = wide[:, None], tall[:, None]
    return quads(corners, uv)


def solid_box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Solid:
    """One axis-aligned box."""
    return solid_boxes(np.array([low], dtype=np.float64), np.array([high], dtype=np.float64))


def solid_tube(path: Floats, radii: Floats, sides: int, capped: bool = True) -> Solid:
    """A smooth tube along points [N,3] with radii [N]; uv run around and along it in metres."""
    count = len(path)
    along = directions(path)
    guide = np.where(np.abs(along[:, 2:3]) > 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    angle = np.linspace(0.0, 2 * np.pi, sides + 1)
    ring = circles(along, guide, angle)
    vertices = (path[:, None] + ring * radii[:, None, None]).reshape(-1, 3)
    run = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    girth = float(max(radii.max(), 1e-3)) * angle
    uv = np.stack(np.broadcast_arrays(girth[None, :], run[:, None]), axis=2).reshape(-1, 2)
    i, j = np.meshgrid(np.arange(count - 1), np.arange(sides), indexing="ij")
    a = (i * (sides + 1) + j).ravel()
    b = a + sides + 1
    faces = np.concatenate([np.stack([a, a + 1, b + 1], axis=1), np.stack([a, b + 1, b], axis=1)])
    side = Solid(vertices, faces, uv, ring.reshape(-1, 3))
    if not capped:
        return side
    lids = [side]
    for k, sign in ((0, -1.0), (count - 1, 1.0)):
        if radii[k] < 1e-4:
            continue
        rim = path[k] + ring[k, :-1] * radii[k]
        fan = np.array([[0, m, m + 1] for m in range(1, sides - 1)])
        flat = np.stack([np.cos(angle[:-1]), np.sin(angle[:-1])], axis=1) * radii[k]
        lids.append(Solid(rim, fan if sign > 0 else fan[:, ::-1], flat, np.tile(along[k] * sign, (sides, 1))))
    return joined(lids)


def pole(height: float, foot: float, top: float, sides: int = 8, base: float = 0.0) -> Solid:
    """An upright tapered tube on the origin."""
    return solid_tube(np.array([[0.0, 0.0, base], [0.0, 0.0, height]]), np.array([foot, top]), sides)


def lathe(profile: list[tuple[float, float]], sides: int) -> Solid:
    """A flat-shaded solid of revolution about z from (radius, z) pairs, bottom to top."""
    table = np.array(profile)
    angle = np.linspace(0.0, 2 * np.pi, sides + 1)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.concatenate(
        [table[:, None, :1] * ring[None], np.broadcast_to(table[:, None, 1:], (len(table), sides + 1, 1))], axis=2
    )
    corners = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]], axis=2)
    return planar_quads(corners.reshape(-1, 4, 3))


def joined(solids: Sequence[Solid]) -> Solid:
    """One solid of many; it keeps normals only if all have them."""
    normals = [s.normals for s in solids if s.normals is not None]
    return Solid(
        np.concatenate([s.vertices for s in solids]),
        stacked([s.faces for s in solids], [len(s.vertices) for s in solids]),
        np.concatenate([s.uv for s in solids]),
        np.concatenate(normals) if len(normals) == len(solids) else None,
    )

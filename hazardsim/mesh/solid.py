"""Triangles from simple shapes, gathered by material and tag."""

from __future__ import annotations

from dataclasses import dataclass, field

import mapbox_earcut
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.model import Material, Part, StaticMesh, TaggedPart

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


def boxes(low: Floats, high: Floats) -> Solid:
    """Axis-aligned boxes between corners [N,3] and [N,3]."""
    corners = np.concatenate([low, high], axis=1)[:, _BOX].reshape(-1, 4, 3)
    wide = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
    tall = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    uv = np.zeros((len(corners), 4, 2))
    uv[:, 1:3, 0], uv[:, 2:, 1] = wide[:, None], tall[:, None]
    return quads(corners, uv)


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Solid:
    """One axis-aligned box."""
    return boxes(np.array([low], dtype=np.float64), np.array([high], dtype=np.float64))


def tube(path: Floats, radii: Floats, sides: int, capped: bool = True) -> Solid:
    """A smooth tube along points [N,3] with radii [N]; uv run around and along it in metres."""
    count = len(path)
    step = np.gradient(path, axis=0)
    along = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    guide = np.where(np.abs(along[:, 2:3]) > 0.9, np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    first = np.cross(guide, along)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(along, first)
    angle = np.linspace(0.0, 2 * np.pi, sides + 1)
    ring = first[:, None] * np.cos(angle)[None, :, None] + second[:, None] * np.sin(angle)[None, :, None]
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
    return tube(np.array([[0.0, 0.0, base], [0.0, 0.0, height]]), np.array([foot, top]), sides)


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


def joined(solids: list[Solid]) -> Solid:
    """One solid of many; it keeps normals only if all have them."""
    start = np.cumsum([0] + [len(s.vertices) for s in solids[:-1]])
    normals = [s.normals for s in solids if s.normals is not None]
    return Solid(
        np.concatenate([s.vertices for s in solids]),
        np.concatenate([s.faces + k for s, k in zip(solids, start, strict=True)]),
        np.concatenate([s.uv for s in solids]),
        np.concatenate(normals) if len(normals) == len(solids) else None,
    )


def polygons(area: BaseGeometry) -> list[shapely.Polygon]:
    """The polygons of any geometry, slivers left out."""
    return [
        p
        for p in (area.geoms if hasattr(area, "geoms") else [area])
        if isinstance(p, shapely.Polygon) and p.area > 1e-3
    ]


def fitted_box(area: BaseGeometry) -> shapely.Polygon:
    """The smallest rectangle, at any angle, around an area."""
    rectangle = area.minimum_rotated_rectangle
    if not isinstance(rectangle, shapely.Polygon):
        raise TypeError(f"an area of {area.area:.3g} m2 has no rectangle around it")
    return rectangle


def cap(area: BaseGeometry, z: float, down: bool = False) -> Solid:
    """Triangles that fill an area at height `z`, facing up (or down), uv = world x, y."""
    solids = [_cap(p, z, down) for p in polygons(area)]
    if not solids:
        return Solid(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64), np.zeros((0, 2)))
    return joined(solids)


def _cap(polygon: shapely.Polygon, z: float, down: bool) -> Solid:
    rings = [np.array(r.coords)[:-1, :2] for r in (polygon.exterior, *polygon.interiors)]
    flat = np.concatenate(rings)
    ends = np.cumsum([len(r) for r in rings]).astype(np.uint32)
    faces = np.asarray(mapbox_earcut.triangulate_float64(flat, ends), dtype=np.int64).reshape(-1, 3)
    a, b, c = flat[faces[:, 0]], flat[faces[:, 1]], flat[faces[:, 2]]
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    wrong = turn > 0 if down else turn < 0
    faces[wrong] = faces[wrong][:, ::-1]
    faces = faces[np.abs(turn) > 1e-9]
    return Solid(np.column_stack([flat, np.full(len(flat), z)]), faces, flat)


def skirt(area: BaseGeometry, low: float, high: float, outward: bool = True) -> Solid:
    """Upright walls on the outline of an area, holes too, facing out of it (or into it)."""
    tables = []
    for polygon in polygons(area):
        for ring in shapely.get_rings(shapely.normalize(polygon)):
            points = np.array(ring.coords)[:, :2]
            hole = ring.equals(polygon.exterior) is False
            ccw = shapely.is_ccw(ring)
            if ccw == hole:
                points = points[::-1]
            if not outward:
                points = points[::-1]
            a, b = points[:-1], points[1:]
            tables.append(
                np.stack(
                    [np.column_stack([p, np.full(len(p), z)]) for p, z in ((a, low), (b, low), (b, high), (a, high))],
                    axis=1,
                )
            )
    if not tables:
        return cap(shapely.Polygon(), 0.0)
    return planar_quads(np.concatenate(tables))


@dataclass(slots=True, eq=False)
class Builder:
    """Gathers solids by material and tag, in the order of first use."""

    _heap: dict[tuple[Material, int, bool], list[tuple[Solid, int]]] = field(default_factory=dict)

    def add(self, solid: Solid, material: Material, tag: int, object_id: int = 0) -> None:
        """Add triangles; `object_id` 0 belongs to no object."""
        if len(solid.faces):
            self._heap.setdefault((material, tag, solid.normals is not None), []).append((solid, object_id))

    def points_of(self, object_id: int) -> Floats:
        """All vertices [N,3] that were added last under one id."""
        found = []
        for items in self._heap.values():
            for solid, owner in reversed(items):
                if owner != object_id:
                    break
                found.append(solid.vertices)
        return np.concatenate(found)

    def _parts(self) -> list[tuple[Part, int, NDArray[np.uint32]]]:
        out = []
        for (material, tag, _), items in self._heap.items():
            whole = joined([s for s, _ in items])
            ids = np.concatenate([np.full(len(s.faces), i, dtype=np.uint32) for s, i in items])
            part = Part(
                whole.vertices.astype(np.float32),
                whole.faces.astype(np.uint32),
                whole.uv.astype(np.float32),
                material,
                None if whole.normals is None else whole.normals.astype(np.float32),
            )
            out.append((part, tag, ids))
        return out

    def meshes(self) -> tuple[StaticMesh, ...]:
        """Everything, merged: one mesh a material, tag and shading."""
        return tuple(StaticMesh(part, tag, ids) for part, tag, ids in self._parts())

    def parts(self) -> tuple[TaggedPart, ...]:
        """Everything as the parts of one model."""
        return tuple(TaggedPart(part, tag) for part, tag, _ in self._parts())

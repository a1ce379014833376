"""Bare triangle shapes that procedural models are put together from: numbers in, points and faces out.

World axes of the project (x forward, y left, z up, metres). Faces turn anticlockwise seen from outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Faces = NDArray[np.int64]


_FINE_EDGE: Final = 0.0065
"""Edges rounded by at most this many metres are single bevels: more is not seen from a car."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Triangles without materials: points [V,3] float64 in metres, faces [F,3] int64."""

    points: Points
    faces: Faces

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Shape:
        """The shape shifted by metres."""
        return Shape(self.points + np.array([x, y, z]), self.faces)

    def turned(self, axis: str, angle_deg: float) -> Shape:
        """The shape turned about a world axis through the origin, anticlockwise seen from the axis' tip."""
        return Shape(self.points @ rotation(axis, angle_deg).T, self.faces)

    def scaled(self, x: float, y: float, z: float) -> Shape:
        """The shape stretched by positive factors about the origin."""
        return Shape(self.points * np.array([x, y, z]), self.faces)

    def mirrored(self) -> Shape:
        """The shape reflected at the plane y = 0, still facing outwards."""
        return Shape(self.points * np.array([1.0, -1.0, 1.0]), self.faces[:, ::-1])

    def bent(self, bend: Callable[[Points], Points]) -> Shape:
        """The shape with its points [V,3] replaced by `bend(points)`."""
        return Shape(bend(self.points), self.faces)


def rotation(axis: str, angle_deg: float) -> Points:
    """Matrix [3,3] of a turn about a world axis 'x', 'y' or 'z'."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix


def stacked(faces: Sequence[Faces], counts: Sequence[int]) -> Faces:
    """The faces of several meshes as those of one, whose points are theirs, one mesh after the other.

    `counts` says how many points each mesh has.
    """
    starts = np.cumsum([0, *counts])
    return np.concatenate([f + start for f, start in zip(faces, starts[:-1], strict=True)])


def joined(shapes: Sequence[Shape]) -> Shape:
    """One shape from many."""
    points = [s.points for s in shapes]
    return Shape(np.concatenate(points), stacked([s.faces for s in shapes], [len(p) for p in points]))


def grid(points: Points, close_rows: bool = False, close_columns: bool = False) -> Shape:
    """Surface through points [R,C,3]; rows or columns may close on themselves.

    The outside is where the step along a row x the step along a column points.
    """
    rows, columns = points.shape[:2]
    r = np.arange(rows if close_rows else rows - 1)
    c = np.arange(columns if close_columns else columns - 1)
    r0, c0 = (a.ravel() for a in np.meshgrid(r, c, indexing="ij"))
    r1, c1 = (r0 + 1) % rows, (c0 + 1) % columns
    a, b, d, e = r0 * columns + c0, r0 * columns + c1, r1 * columns + c0, r1 * columns + c1
    faces = np.concatenate([np.stack([a, b, e], 1), np.stack([a, e, d], 1)])
    return Shape(points.reshape(-1, 3), faces)


def loft(rings: ArrayLike, caps: bool = True) -> Shape:
    """Skin over rings [R,C,3] that each turn anticlockwise seen from the last ring; `caps` close both ends."""
    points = np.asarray(rings, dtype=np.float64)
    skin = grid(points, close_columns=True)
    if not caps:
        return skin
    return joined([skin, _fan(points[0][::-1]), _fan(points[-1])])


def _fan(ring: Points) -> Shape:
    count = len(ring)
    i = np.arange(count)
    return Shape(np.vstack([ring, ring.mean(axis=0)]), np.stack([i, (i + 1) % count, np.full(count, count)], 1))


def revolve(profile: ArrayLike, segments: int = 32) -> Shape:
    """Turn a profile [N,2] of (radius, z), from its lower end to its upper, about the z axis."""
    outline = np.asarray(profile, dtype=np.float64)
    angle = np.arange(segments) * (2.0 * math.pi / segments)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.zeros((len(outline), segments, 3))
    points[..., :2] = outline[:, None, :1] * ring[None]
    points[..., 2] = outline[:, 1, None]
    return loft(points, caps=bool(outline[0, 0] > 0 or outline[-1, 0] > 0) and not np.allclose(outline[0], outline[-1]))


def cylinder(radius: float, height: float, segments: int = 32, bevel: float = 0.0) -> Shape:
    """Upright cylinder that stands on z = 0, its rims rounded off by `bevel`."""
    if bevel <= 0:
        return revolve([(radius, 0.0), (radius, height)], segments)
    profile = [(radius - bevel, 0.0), (radius, bevel), (radius, height - bevel), (radius - bevel, height)]
    return revolve(profile, segments)


def ellipsoid(size: Sequence[float], rows: int = 16, segments: int = 24) -> Shape:
    """Ellipsoid about the origin with full extents `size` (x, y, z)."""
    t = np.linspace(-math.pi / 2, math.pi / 2, rows + 1)
    ball = revolve(np.stack([np.cos(t) * (np.abs(t) < math.pi / 2 - 1e-9), np.sin(t)], 1), segments)
    return ball.scaled(size[0] / 2, size[1] / 2, size[2] / 2)


def box(size: Sequence[float], rounding: float = 0.0, steps: int = 3) -> Shape:
    """Box with full extents `size`, centred in x and y, standing on z = 0; `rounding` is the radius of its edges."""
    half = np.asarray(size, dtype=np.float64) / 2
    radius = min(rounding, float(half.min()) * 0.999)
    if radius <= 0:
        corner = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 2)], dtype=np.float64)
        quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
        faces = [f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))]
        return Shape(corner * half, np.array(faces, dtype=np.int64))
    steps = 1 if radius <= _FINE_EDGE else steps
    bends = np.sin(np.linspace(0.0, math.pi / 2, steps + 1)[:-1])
    ticks = np.concatenate([bends - 1.0, [0.0]])
    sides = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        along = [np.concatenate([-(h - radius) + ticks * radius, (h - radius) - ticks[::-1] * radius]) for h in half]
        plane = np.zeros((len(along[u]), len(along[v]), 3))
        plane[..., u], plane[..., v] = along[u][:, None], along[v][None, :]
        for sign in (1.0, -1.0):
            side = plane.copy()
            side[..., axis] = sign * half[axis]
            core = np.clip(side, -(half - radius), half - radius)
            away = side - core
            away /= np.linalg.norm(away, axis=-1, keepdims=True)
            shape = grid(core + away * radius)
            sides.append(shape if sign < 0 else Shape(shape.points, shape.faces[:, ::-1]))
    return joined(sides).moved(z=half[2])


def directions(path: Points) -> Points:
    """Unit directions [N,3] of a path [N,3] at its points."""
    step: Points = np.gradient(path, axis=0)
    step /= np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    return step


def circles(along: Points, guide: Points, angles: Points, flatten: float = 1.0) -> Points:
    """Unit circles [N,A,3] across directions [N,3], at `angles` [A] from what is across `guide` too.

    `guide` is one [3] or [N,3], never along the direction; `flatten` scales the circles' second axis.
    """
    first = np.cross(guide, along)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(along, first)
    across, upward = np.cos(angles)[None, :, None], flatten * np.sin(angles)[None, :, None]
    return np.asarray(across * first[:, None] + upward * second[:, None], dtype=np.float64)


def tube(path: ArrayLike, radius: ArrayLike, segments: int = 12, flatten: float = 1.0, caps: bool = True) -> Shape:
    """Round bar along a path [N,3]; `radius` in metres, one or [N]; `flatten` scales the bar's second cross axis."""
    line = np.asarray(path, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(line),))
    along = directions(line)
    guide = -np.eye(3)[int(np.argmin(np.abs(along).max(axis=0)))]
    angles = np.arange(segments, dtype=np.float64) * (2.0 * math.pi / segments)
    return loft(line[:, None] + radii[:, None, None] * circles(along, guide, angles, flatten), caps=caps)


def bar(start: ArrayLike, end: ArrayLike, radius: float, segments: int = 10) -> Shape:
    """Straight round bar between two points."""
    return tube(np.array([start, end], dtype=np.float64), radius, segments)


def torus(radius: float, thickness: float, segments: int = 40, sections: int = 12) -> Shape:
    """Ring in the plane z = 0: radius of its centre line and of its bar."""
    t = np.linspace(0.0, 2.0 * math.pi, sections + 1)
    return revolve(np.stack([radius + thickness * np.cos(t), thickness * np.sin(t)], 1), segments)


def rounded_outline(width: float, height: float, radius: float, steps: int = 5) -> Points:
    """Rectangle about the origin with round corners, anticlockwise, [N,2]."""
    t = np.linspace(0.0, math.pi / 2, steps)
    corner = np.stack([np.cos(t), np.sin(t)], 1) * radius
    sides = [(1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270)]
    points = []
    for x, y, turn in sides:
        c, s = round(math.cos(math.radians(turn))), round(math.sin(math.radians(turn)))
        centre = np.array([x * (width / 2 - radius), y * (height / 2 - radius)])
        points.append(corner @ np.array([[c, s], [-s, c]]) + centre)
    return np.concatenate(points)


def smooth_curve(knots: ArrayLike, count: int) -> Points:
    """Catmull-Rom curve through knots [N,D], sampled at `count` equal parameter steps.

    Source: Catmull and Rom, A class of local interpolating splines, 1974 (uniform, tension 1/2).
    """
    k = np.asarray(knots, dtype=np.float64)
    padded = np.vstack([2 * k[0] - k[1], k, 2 * k[-1] - k[-2]])
    t = np.linspace(0.0, len(k) - 1, count)
    i = np.minimum(t.astype(np.int64), len(k) - 2)
    f = (t - i)[:, None]
    a, b, c, d = (padded[i + n] for n in range(4))
    curve: Points = b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))
    return curve

"""One wall of a building: bays of windows, doors and shop fronts, in wall coordinates.

Wall coordinates: u along the wall from left to right as seen from outside, w up, d towards the viewer, metres.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.model import Material
from hazardsim.mesh.solid import Floats, Solid, planar_quads, quads
from hazardsim.server.town import palette
from hazardsim.server.town.buildings.style import BuildingStyle

_REVEAL_M = 0.14
_FRAME_M = 0.06


@dataclass(slots=True, eq=False)
class WallQuads:
    """Quads of one wall by material, to be set up at `start` [2], along `along` [2], from height `foot`."""

    start: Floats
    along: Floats
    foot: float
    _quads: dict[Material, list[tuple[Floats, bool]]] = field(default_factory=dict)

    def put(self, corners: Floats, material: Material, run_on: bool = False) -> None:
        """Add quads [Q,4,3] in u, w, d; `run_on`: uv are u and w themselves, so that courses meet."""
        if run_on:
            corners = corners[np.ptp(corners[..., :2], axis=1).min(axis=1) > 1e-6]
        if len(corners):
            self._quads.setdefault(material, []).append((corners, run_on))

    def rect(self, u: tuple[float, float], w: tuple[float, float], d: float, material: Material) -> None:
        """Add one upright rectangle that faces out."""
        self.put(rects(np.array([u[0]]), np.array([u[1]]), w[0], w[1], d), material, run_on=True)

    def slab(self, u: tuple[float, float], w: tuple[float, float], d: tuple[float, float], material: Material) -> None:
        """Add a box that stands out of the wall, without its back."""
        self.put(slabs(np.array([u[0]]), np.array([u[1]]), w, d), material)

    def solids(self) -> list[tuple[Solid, Material]]:
        """Everything in world axes."""
        out = np.array([self.along[1], -self.along[0]])
        result = []
        for material, items in self._quads.items():
            for run_on in (True, False):
                tables = [c for c, r in items if r is run_on]
                if not tables:
                    continue
                local = np.concatenate(tables)
                flat = self.start + local[..., :1] * self.along + local[..., 2:] * out
                world = np.concatenate([flat, local[..., 1:2] + self.foot], axis=2)
                result.append((quads(world, local[..., :2]) if run_on else planar_quads(world), material))
        return result


Length = float | Floats

# Corners of quads as columns (u, w, d) of the table u0 u1 w0 w1 d0 d1.
_RECT = np.array([[[0, 2, 4], [1, 2, 4], [1, 3, 4], [0, 3, 4]]])
_SLAB = np.array(
    [
        [[0, 2, 5], [1, 2, 5], [1, 3, 5], [0, 3, 5]],
        [[0, 3, 5], [1, 3, 5], [1, 3, 4], [0, 3, 4]],
        [[0, 2, 4], [1, 2, 4], [1, 2, 5], [0, 2, 5]],
        [[0, 2, 4], [0, 2, 5], [0, 3, 5], [0, 3, 4]],
        [[1, 2, 5], [1, 2, 4], [1, 3, 4], [1, 3, 5]],
    ]
)
_BAR = _SLAB[[0, 3, 4]]
_REVEAL = np.array(
    [
        [[0, 2, 5], [0, 2, 4], [0, 3, 4], [0, 3, 5]],
        [[1, 2, 4], [1, 2, 5], [1, 3, 5], [1, 3, 4]],
        [[0, 2, 5], [1, 2, 5], [1, 2, 4], [0, 2, 4]],
        [[0, 3, 4], [1, 3, 4], [1, 3, 5], [0, 3, 5]],
    ]
)


def _table(
    shape: NDArray[np.int64], u0: Floats, u1: Floats, w: tuple[Length, Length], d: tuple[float, float]
) -> Floats:
    table = np.zeros((len(u0), 6))
    table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4], table[:, 5] = u0, u1, w[0], w[1], d[0], d[1]
    corners: Floats = table[:, shape].transpose(1, 0, 2, 3).reshape(-1, 4, 3)
    return corners


def rects(u0: Floats, u1: Floats, w0: Length, w1: Length, d: float) -> Floats:
    """Upright rectangles [Q,4,3] facing out."""
    return _table(_RECT, u0, u1, (w0, w1), (d, d))


def slabs(u0: Floats, u1: Floats, w: tuple[Length, Length], d: tuple[float, float]) -> Floats:
    """Boxes without a back [5 Q,4,3]."""
    return _table(_SLAB, u0, u1, w, d)


def _reveals(a: Floats, b: Floats, w: tuple[Length, Length], depth: float) -> Floats:
    """The four inner sides of openings."""
    return _table(_REVEAL, a, b, w, (-depth, 0.0))


def _around(u0: Floats, u1: Floats, w: tuple[Length, Length], a: Floats, b: Floats, c: Length, e: Length) -> Floats:
    """The wall of bays around their openings."""
    sides = [rects(u0, a, w[0], w[1], 0.0), rects(b, u1, w[0], w[1], 0.0)]
    return np.concatenate([*sides, rects(a, b, e, w[1], 0.0), rects(a, b, w[0], c, 0.0)])


def _glazing(
    wall_quads: WallQuads,
    a: Floats,
    b: Floats,
    w: tuple[Length, Length],
    style: BuildingStyle,
    rng: np.random.Generator,
) -> None:
    (c, e), f = w, _FRAME_M
    bars = [rects(a, a + f, c, e, -0.09), rects(b - f, b, c, e, -0.09)]
    bars += [rects(a + f, b - f, c, c + f, -0.09), rects(a + f, b - f, e - f, e, -0.09)]
    mid = (a + b) / 2
    if len(a) and float((b - a)[0]) > 0.95:
        bars.append(rects(mid - 0.035, mid + 0.035, c + f, e - f, -0.092))
    if style.has_transom:
        bars.append(rects(a + f, b - f, c + 0.68 * (e - c), c + 0.68 * (e - c) + 0.05, -0.094))
    wall_quads.put(np.concatenate(bars), style.frame)
    pane = rects(a + f, b - f, c + f, e - f, -0.13)
    chosen = rng.choice(3, size=len(a), p=[0.62, 0.20, 0.18])
    for k, material in enumerate((palette.WINDOW, palette.CURTAIN, palette.BLIND)):
        wall_quads.put(pane[chosen == k], material)


def _windows(
    wall_quads: WallQuads,
    u0: Floats,
    u1: Floats,
    w: tuple[Length, Length],
    style: BuildingStyle,
    wall: Material,
    rng: np.random.Generator,
) -> None:
    wide = np.minimum(style.window_m[0], (u1 - u0) - 0.5)
    mid = (u0 + u1) / 2
    a, b = mid - wide / 2, mid + wide / 2
    c = w[0] + style.sill_m
    e = np.minimum(c + style.window_m[1], np.asarray(w[1]) - 0.3)
    wall_quads.put(_around(u0, u1, w, a, b, c, e), wall, run_on=True)
    wall_quads.put(_reveals(a, b, (c, e), _REVEAL_M), style.trim)
    _glazing(wall_quads, a, b, (c, e), style, rng)
    wall_quads.put(_table(_SLAB[:3], a - 0.06, b + 0.06, (c - 0.07, c), (0.0, 0.08)), style.trim)
    if style.shutters is not None:
        leaf = np.minimum(wide / 2, (a - u0) - 0.05)
        wall_quads.put(slabs(a - leaf - 0.02, a - 0.02, (c, e), (0.0, 0.04)), style.shutters)
        wall_quads.put(slabs(b + 0.02, b + leaf + 0.02, (c, e), (0.0, 0.04)), style.shutters)


def _door(wall_quads: WallQuads, u0: float, u1: float, height: float, style: BuildingStyle, wall: Material) -> None:
    mid, half = (u0 + u1) / 2, 0.52
    a, b = np.array([mid - half]), np.array([mid + half])
    wall_quads.put(_around(np.array([u0]), np.array([u1]), (0.0, height), a, b, 0.0, 2.55), wall, run_on=True)
    wall_quads.put(_reveals(a, b, (0.0, 2.55), 0.2), style.trim)
    wall_quads.rect((mid - half, mid + half), (0.0, 2.1), -0.2, style.door)
    for w0, w1 in ((0.2, 0.95), (1.15, 1.9)):
        for v0, v1 in ((-0.38, -0.05), (0.05, 0.38)):
            wall_quads.slab((mid + v0, mid + v1), (w0, w1), (-0.2, -0.18), style.door)
    wall_quads.rect((mid - half, mid + half), (2.1, 2.18), -0.17, style.frame)
    wall_quads.rect((mid - half, mid + half), (2.18, 2.55), -0.19, palette.WINDOW)
    wall_quads.slab((mid + 0.36, mid + 0.42), (1.0, 1.06), (-0.18, -0.11), palette.STEEL)
    wall_quads.slab((mid - half - 0.12, mid + half + 0.12), (0.0, 0.06), (0.0, 0.35), palette.CONCRETE)


def _shop(
    wall_quads: WallQuads, u0: Floats, u1: Floats, height: float, style: BuildingStyle, rng: np.random.Generator
) -> None:
    a, b, c, e = u0 + 0.22, u1 - 0.22, 0.42, height - 0.95
    wall_quads.put(_around(u0, u1, (0.0, height), a, b, c, e), style.base, run_on=True)
    wall_quads.put(_reveals(a, b, (c, e), 0.18), style.frame)
    f = 0.07
    bars = [rects(a, a + f, c, e, -0.14), rects(b - f, b, c, e, -0.14)]
    bars += [rects(a, b, c, c + f, -0.138), rects(a, b, e - f, e, -0.138), rects(a, b, e - 0.6, e - 0.55, -0.138)]
    wall_quads.put(np.concatenate(bars), style.frame)
    wall_quads.put(rects(a + f, b - f, c + f, e - f, -0.17), palette.SHOP_WINDOW)
    left, right = float(u0.min()), float(u1.max())
    wall_quads.slab((left + 0.1, right - 0.1), (height - 0.85, height - 0.25), (0.0, 0.10), style.fascia)
    x = left + 0.5
    while x < right - 0.9:
        letter = float(rng.uniform(0.18, 0.42))
        wall_quads.rect((x, x + letter), (height - 0.68, height - 0.42), 0.105, palette.WHITE_STEEL)
        x += letter + 0.10
    if rng.random() < 0.45:
        w0, w1, d = height - 1.35, height - 0.9, 1.1
        cloth = palette.tint("awning", "fabric", palette.FASCIAS[int(rng.integers(0, 5))])
        lo, hi = left + 0.2, right - 0.2
        slope = np.array([[[lo, w0, d], [hi, w0, d], [hi, w1, 0.02], [lo, w1, 0.02]]])
        drop = rects(np.array([lo]), np.array([hi]), w0 - 0.18, w0, d)
        wall_quads.put(np.concatenate([slope, slope[:, ::-1], drop, drop[:, ::-1]]), cloth)


def _balcony(wall_quads: WallQuads, u0: float, u1: float, foot: float, style: BuildingStyle) -> None:
    a, b, depth = u0 + 0.15, u1 - 0.15, 1.1
    wall_quads.slab((a, b), (foot - 0.16, foot), (0.0, depth), style.trim)
    wall_quads.slab((a, b), (foot + 0.98, foot + 1.03), (depth - 0.06, depth - 0.01), palette.DARK_STEEL)
    for end in (a, b - 0.05):
        wall_quads.slab((end, end + 0.05), (foot + 0.98, foot + 1.03), (0.0, depth - 0.01), palette.DARK_STEEL)
    count = max(3, int((b - a) / 0.18))
    u = np.linspace(a + 0.01, b - 0.04, count)
    wall_quads.put(_table(_BAR, u, u + 0.025, (foot, foot + 0.98), (depth - 0.045, depth - 0.02)), palette.DARK_STEEL)
    for d in np.linspace(0.12, depth - 0.15, 6):
        ends = np.array([a + 0.01, b - 0.04])
        wall_quads.put(
            _table(_BAR, ends, ends + 0.025, (foot, foot + 0.98), (float(d), float(d) + 0.025)), palette.DARK_STEEL
        )


@dataclass(frozen=True, slots=True)
class WallRole:
    """The front has the door and the shops; a party wall is shared and blank; a back is far from any road."""

    is_front: bool = False
    is_party: bool = False
    is_back: bool = False


def _back(wall_quads: WallQuads, u0: Floats, u1: Floats, style: BuildingStyle, rng: np.random.Generator) -> None:
    """Windows of a wall that is seen from far only: frame and pane lie on the wall."""
    half = np.minimum(style.window_m[0], (u1 - u0) - 0.5) / 2
    mid = (u0 + u1) / 2
    for storey in range(style.storeys):
        foot = 0.0 if storey == 0 else style.ground_m + style.storey_m * (storey - 1)
        low, high = foot + style.sill_m, foot + style.sill_m + style.window_m[1]
        wall_quads.put(rects(mid - half, mid + half, low, high, 0.012), style.frame)
        pane = rects(mid - half + 0.07, mid + half - 0.07, low + 0.07, high - 0.07, 0.02)
        wall_quads.put(pane, (palette.WINDOW, palette.WINDOW, palette.BLIND)[int(rng.integers(0, 3))])


def fill_wall(
    wall_quads: WallQuads, length_m: float, style: BuildingStyle, role: WallRole, rng: np.random.Generator
) -> None:
    """Fill a wall of `length_m`; it is blank if it is shared or short."""
    top, is_front = style.eaves_m, role.is_front
    if role.is_party or role.is_back or length_m < 1.9:
        wall_quads.rect((0.0, length_m), (0.0, style.ground_m), 0.0, style.base)
        if style.storeys > 1:
            wall_quads.rect((0.0, length_m), (style.ground_m, top), 0.0, style.wall)
        if role.is_back and not role.is_party and length_m > 3.0:
            edges = np.linspace(0.0, length_m, max(1, round(length_m / style.bay_m)) + 1)
            _back(wall_quads, edges[:-1], edges[1:], style, rng)
        return
    bays = max(1, round(length_m / style.bay_m))
    edges = np.linspace(0.0, length_m, bays + 1)
    u0, u1 = edges[:-1], edges[1:]
    ground = np.full(bays, 0)
    if is_front:
        door = int(rng.integers(0, bays))
        if style.has_shop:
            ground[:] = 2
            door = 0 if rng.random() < 0.5 else bays - 1
        if bays > 1 or not style.has_shop:
            ground[door] = 1
    kind = ground == 0
    if kind.any():
        _windows(wall_quads, u0[kind], u1[kind], (0.0, style.ground_m), style, style.base, rng)
    if (ground == 2).any():
        _shop(wall_quads, u0[ground == 2], u1[ground == 2], style.ground_m, style, rng)
    for k in np.flatnonzero(ground == 1):
        _door(wall_quads, float(u0[k]), float(u1[k]), style.ground_m, style, style.base)
    if style.storeys < 2:
        return
    feet = style.ground_m + style.storey_m * np.arange(style.storeys - 1)
    foot = np.repeat(feet, bays)
    left, right = np.tile(u0, len(feet)), np.tile(u1, len(feet))
    _windows(wall_quads, left, right, (foot, foot + style.storey_m), style, style.wall, rng)
    if is_front and style.balcony_share > 0:
        for k in np.flatnonzero(rng.random(len(foot)) < style.balcony_share):
            _balcony(wall_quads, float(left[k]), float(right[k]), float(foot[k]), style)

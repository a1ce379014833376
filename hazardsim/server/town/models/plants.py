"""Trees, bushes, hedges and grass: branches as tubes, leaves as small polygons."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.materials import Colour
from hazardsim.mesh.model import TaggedPart
from hazardsim.mesh.solid import Floats, Solid, joined, solid_box, solid_tube
from hazardsim.server.town.palette import tint
from hazardsim.taxonomy import TAG


@dataclass(frozen=True, slots=True)
class Species:
    """A kind of tree: sizes in metres, counts of limbs and leaves, and colours."""

    height_m: float
    crown_m: float
    bole: float
    limbs: int
    leaves: int
    leaf_m: float
    leaf_colours: tuple[Colour, Colour]
    bark: Colour
    conifer: bool = False
    twigs: int = 2


_OLIVE: Final = ((0.27, 0.38, 0.14), (0.36, 0.47, 0.20))
_FRESH: Final = ((0.32, 0.44, 0.15), (0.43, 0.54, 0.22))
_DEEP: Final = ((0.18, 0.30, 0.13), (0.25, 0.38, 0.17))
_AUTUMN: Final = ((0.46, 0.34, 0.12), (0.54, 0.44, 0.17))
_NEEDLE: Final = ((0.13, 0.23, 0.14), (0.19, 0.30, 0.17))

TREES: Final[dict[str, Species]] = {
    "linden": Species(8.5, 2.5, 0.27, 10, 1500, 0.45, _OLIVE, (0.34, 0.28, 0.22)),
    "maple": Species(7.0, 2.6, 0.29, 9, 1450, 0.45, _FRESH, (0.38, 0.33, 0.27)),
    "plane": Species(10.5, 3.2, 0.30, 12, 1800, 0.52, _DEEP, (0.52, 0.48, 0.40)),
    "birch": Species(9.0, 1.9, 0.24, 12, 1350, 0.38, _FRESH, (0.78, 0.76, 0.71)),
    "cherry": Species(5.0, 2.0, 0.32, 8, 1150, 0.39, _AUTUMN, (0.30, 0.22, 0.19)),
    "spruce": Species(10.0, 2.1, 0.10, 44, 1500, 0.46, _NEEDLE, (0.30, 0.24, 0.20), conifer=True),
}
_FAR_SHARE, _FAR_LEAF = 0.30, 1.75


def leaves(points: Floats, size_m: float, rng: np.random.Generator, outward: Floats | None = None) -> Solid:
    """Two leaves of one triangle each about every point [N,3], turned at random, bent outward and up."""
    points = np.repeat(points, 2, axis=0) + rng.normal(size=(2 * len(points), 3)) * (0.28 * size_m)
    count = len(points)
    facing = rng.normal(size=(count, 3)) * 0.7 + np.array([0.0, 0.0, 0.45])
    if outward is not None:
        facing += np.repeat(outward, 2, axis=0)
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    along = np.cross(rng.normal(size=(count, 3)), facing)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.cross(facing, along)
    size = (size_m * rng.uniform(0.7, 1.25, size=(count, 1)))[:, None]
    shape = np.array([[-0.45, -0.08], [0.12, -0.30], [0.42, 0.30]])
    corners = points[:, None] + size * (along[:, None] * shape[None, :, :1] + across[:, None] * shape[None, :, 1:])
    uv = np.broadcast_to((shape + 0.5)[None], (count, 3, 2)) * size + rng.uniform(0, 3, size=(count, 1, 2))
    return Solid(corners.reshape(-1, 3), np.arange(count * 3).reshape(-1, 3), uv.reshape(-1, 2))


def _limb(
    start: Floats, heading: Floats, length: float, rise: float, rng: np.random.Generator, knots: int = 4
) -> Floats:
    path, step = [start], length / (knots - 1)
    way = heading / np.linalg.norm(heading)
    for _ in range(knots - 1):
        way = way + rng.normal(size=3) * 0.12 + np.array([0.0, 0.0, rise])
        way /= np.linalg.norm(way)
        path.append(path[-1] + way * step)
    return np.array(path)


def _broadleaf(kind: Species, rng: np.random.Generator) -> tuple[Solid, Floats, Floats]:
    height, crown = kind.height_m, kind.crown_m
    lean = rng.normal(size=2) * 0.02 * height
    trunk_top = 0.80 * height
    share = np.linspace(0.0, 1.0, 6)
    trunk = np.column_stack([lean[0] * share**2, lean[1] * share**2, trunk_top * share])
    foot = 0.018 * height + 0.02
    radii = foot * (1.0 - 0.75 * share) + np.array([0.06, 0.0, 0.0, 0.0, 0.0, 0.0]) * (height / 8)
    wood, tips = [solid_tube(trunk, radii, 8, capped=False)], []
    low = kind.bole * height
    for i in range(kind.limbs):
        share_up = (i + 0.5) / kind.limbs
        z = low + (trunk_top - low) * share_up
        centre = np.array([np.interp(z, trunk[:, 2], trunk[:, 0]), np.interp(z, trunk[:, 2], trunk[:, 1]), z])
        angle = i * 2.399963 + rng.normal() * 0.25
        reach = crown * (0.95 - 0.45 * abs(share_up - 0.35)) * rng.uniform(0.75, 1.0)
        out = np.array([np.cos(angle), np.sin(angle), 0.45 + 0.9 * share_up])
        path = _limb(centre, out, reach, 0.10, rng)
        thick = foot * 0.42 * (1.0 - 0.6 * share_up)
        wood.append(solid_tube(path, np.linspace(thick, thick * 0.3, len(path)), 5, capped=False))
        tips += [path[-1], path[-2] * 0.5 + path[-1] * 0.5]
        for _ in range(kind.twigs):
            side = path[2] + rng.normal(size=3) * 0.03
            twig = _limb(side, path[-1] - path[1] + rng.normal(size=3) * 0.9 * reach * 0.6, reach * 0.5, 0.05, rng, 3)
            wood.append(solid_tube(twig, np.linspace(thick * 0.4, 0.012, 3), 4, capped=False))
            tips.append(twig[-1])
    tips.append(np.array([lean[0], lean[1], trunk_top + 0.1 * height]))
    nodes = np.array(tips)
    pick = nodes[rng.integers(0, len(nodes), kind.leaves)]
    push = rng.normal(size=(kind.leaves, 3))
    push /= np.linalg.norm(push, axis=1, keepdims=True)
    spread = np.array([1.0, 1.0, 0.8]) * crown * 0.40
    points = pick + push * spread * rng.uniform(0.35, 1.0, size=(kind.leaves, 1)) ** 0.6
    return joined(wood), points, push


def _conifer(kind: Species, rng: np.random.Generator) -> tuple[Solid, Floats, Floats]:
    height = kind.height_m
    trunk = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, height * 0.5], [0.0, 0.0, height * 0.97]])
    wood = [solid_tube(trunk, np.array([0.20, 0.12, 0.02]), 7, capped=False)]
    points, pushes = [], []
    per = kind.leaves // kind.limbs
    for i in range(kind.limbs):
        share = (i + 0.5) / kind.limbs
        z = height * (kind.bole + (0.97 - kind.bole) * share)
        angle = i * 2.399963
        reach = kind.crown_m * (1.0 - share) ** 0.85 * rng.uniform(0.85, 1.1) + 0.12
        out = np.array([np.cos(angle), np.sin(angle), 0.0])
        end = np.array([0.0, 0.0, z]) + out * reach + np.array([0.0, 0.0, -0.28 * reach])
        path = np.array([[0.0, 0.0, z], end])
        wood.append(solid_tube(path, np.array([0.035, 0.008]), 3, capped=False))
        along = rng.uniform(0.12, 1.05, size=(per, 1))
        side = np.cross(out, np.array([0.0, 0.0, 1.0]))
        width = rng.normal(size=(per, 1)) * 0.24 * reach * (1.15 - along)
        points.append(path[0] + (path[1] - path[0]) * along + side * width + rng.normal(size=(per, 3)) * 0.05)
        pushes.append(np.tile(out * 0.4 + np.array([0.0, 0.0, 0.6]), (per, 1)))
    return joined(wood), np.concatenate(points), np.concatenate(pushes)


def _from_afar(kind: Species) -> Species:
    """The same tree with fewer, larger leaves, for places that no road comes near."""
    return replace(
        kind,
        limbs=kind.limbs if kind.conifer else kind.limbs // 2,
        leaves=int(kind.leaves * _FAR_SHARE),
        leaf_m=kind.leaf_m * _FAR_LEAF,
        twigs=0,
    )


def tree(name: str, variant: int, is_far: bool = False) -> tuple[TaggedPart, ...]:
    """A tree of one of the `TREES`; equal arguments give equal triangles."""
    kind = _from_afar(TREES[name]) if is_far else TREES[name]
    rng = np.random.default_rng([zlib.crc32(name.encode()), variant])
    wood, points, push = (_conifer if kind.conifer else _broadleaf)(kind, rng)
    builder = Builder()
    builder.add(wood, tint("bark", "bark", kind.bark, 0.95), TAG["Vegetation"])
    shade = rng.random(len(points)) < 0.5
    for colour, chosen in zip(kind.leaf_colours, (shade, ~shade), strict=True):
        foliage = leaves(points[chosen], kind.leaf_m, rng, push[chosen] * 0.8)
        builder.add(foliage, tint("leaf", "foliage", colour, 0.7), TAG["Vegetation"])
    return builder.parts()


def bush(variant: int) -> tuple[TaggedPart, ...]:
    """A round shrub about 1.1 m wide."""
    rng = np.random.default_rng([0xB054, variant])
    builder = Builder()
    push = rng.normal(size=(210, 3))
    push /= np.linalg.norm(push, axis=1, keepdims=True)
    points = push * np.array([0.52, 0.52, 0.45]) * rng.uniform(0.5, 1.0, size=(210, 1)) ** 0.5
    points = points * (1.0 + 0.15 * np.sin(3 * push[:, :1] + variant)) + np.array([0.0, 0.0, 0.50])
    points[:, 2] = np.maximum(points[:, 2], 0.08)
    colours = (_OLIVE, _DEEP, _FRESH)[variant % 3]
    for k, colour in enumerate(colours):
        builder.add(
            leaves(points[k::2], 0.24, rng, push[k::2]), tint("leaf", "foliage", colour, 0.7), TAG["Vegetation"]
        )
    stems = [solid_tube(np.array([[0, 0, 0], p * 0.8]), np.array([0.02, 0.008]), 3, capped=False) for p in points[:8]]
    builder.add(joined(stems), tint("bark", "bark", (0.30, 0.24, 0.19)), TAG["Vegetation"])
    return builder.parts()


def hedge(length_m: float, height_m: float, rng: np.random.Generator) -> tuple[Solid, Solid]:
    """A clipped hedge along +x from the origin, 0.7 m thick: its solid core and the leaves on it."""
    half = 0.35
    core = solid_box((0.0, -half + 0.06, 0.0), (length_m, half - 0.06, height_m - 0.06))
    area = length_m * (2 * height_m + 2 * half)
    count = max(24, int(area * 24))
    t = rng.random(count) * (2 * height_m + 2 * half)
    x = rng.random(count) * length_m
    side = np.where(t < height_m, -1.0, np.where(t < height_m + 2 * half, 0.0, 1.0))
    y = np.where(side == 0.0, t - height_m - half, side * half)
    z = np.where(side < 0, t, np.where(side > 0, t - height_m - 2 * half, height_m))
    points = np.column_stack([x, y, np.maximum(z, 0.05)]) + rng.normal(size=(count, 3)) * 0.025
    outward = np.column_stack([np.zeros(count), side, (side == 0.0).astype(np.float64)]) * 1.6
    return core, leaves(points, 0.22, rng, outward)


def tufts(points: Floats, rng: np.random.Generator) -> Solid:
    """A tuft of grass, nine blades of one triangle, at each point [N,3]."""
    blades = 9
    base = np.repeat(points, blades, axis=0)
    count = len(base)
    angle = rng.uniform(0, 2 * np.pi, count)
    out = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(count)])
    side = np.column_stack([-np.sin(angle), np.cos(angle), np.zeros(count)])
    base = base + out * rng.uniform(0.0, 0.10, size=(count, 1))
    tall = rng.uniform(0.08, 0.24, size=(count, 1))
    tip = base + out * tall * 0.45 + np.array([0.0, 0.0, 1.0]) * tall
    corners = np.stack([base - side * 0.012, base + side * 0.012, tip], axis=1)
    faces = np.arange(count * 3).reshape(-1, 3)
    return Solid(corners.reshape(-1, 3), faces, corners.reshape(-1, 3)[:, :2])

"""Things from gardens, beaches and parks: boulder, ball, umbrella, tent, rowing boat, statues."""

from __future__ import annotations

import math

import numpy as np

from hazardsim.mesh.assemble import part
from hazardsim.mesh.materials import STEEL, Colour, cloth, wooden
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import Shape, bar, box, cylinder, ellipsoid, grid, loft, smooth_curve, tube


def boulder(rng: np.random.Generator) -> list[Part]:
    """A weathered rock: a sphere displaced by a few plane cuts and waves."""
    import trimesh  # a second or two, which those who want no boulder are spared

    ball = trimesh.creation.icosphere(subdivisions=5)
    points = np.asarray(ball.vertices, dtype=np.float64)
    cuts = rng.normal(size=(22, 3))
    cuts /= np.linalg.norm(cuts, axis=1, keepdims=True)
    depths = rng.uniform(0.72, 1.0, 22)
    radius = np.ones(len(points))
    for cut, depth in zip(cuts, depths, strict=True):
        along = points @ cut
        radius = np.minimum(radius, np.where(along > 0.05, depth / np.maximum(along, 0.05), 9.0))
    waves = rng.normal(size=(24, 3)) * np.geomspace(2.0, 18.0, 24)[:, None]
    phases = rng.uniform(0, 2 * math.pi, 24)
    heights = 0.05 * (2.0 / np.geomspace(2.0, 18.0, 24)) ** 0.9
    radius += (np.sin(points @ waves.T + phases) * heights).sum(axis=1) * 0.55
    rock = Shape(points * radius[:, None], np.asarray(ball.faces, dtype=np.int64))
    flat = rock.scaled(0.62, 0.5, 0.46).bent(lambda p: np.column_stack([p[:, :2], np.maximum(p[:, 2], -0.27)]))
    return [part([flat], Material("rock", (0.42, 0.4, 0.37), "stone", roughness=0.95))]


def beach_ball(rng: np.random.Generator) -> list[Part]:
    """A large ball of six coloured segments."""
    colours: tuple[Colour, ...] = (
        (0.85, 0.08, 0.08),
        (0.92, 0.92, 0.9),
        (0.95, 0.72, 0.05),
        (0.92, 0.92, 0.9),
        (0.06, 0.25, 0.7),
        (0.92, 0.92, 0.9),
    )
    tilt = float(rng.uniform(20, 60))
    parts = []
    for k, colour in enumerate(colours):
        phi = np.linspace(k, k + 1, 9) * math.pi / 3
        theta = np.linspace(-math.pi / 2, math.pi / 2, 25)
        c, s = np.cos(theta)[:, None], np.sin(theta)[:, None]
        points = 0.45 * np.stack([c * np.cos(phi), c * np.sin(phi), s * np.ones_like(phi)], axis=-1)
        parts.append(part([grid(points).turned("y", tilt)], Material(f"segment{k}", colour, roughness=0.3)))
    cap = ellipsoid((0.12, 0.12, 0.012), 8, 20).moved(z=0.448).turned("y", tilt)
    parts.append(part([cap], Material("valve", (0.9, 0.9, 0.88), roughness=0.3)))
    return parts


def beach_umbrella(rng: np.random.Generator) -> list[Part]:
    """An open sunshade of eight gores on its foot."""
    colours: tuple[Colour, ...] = ((0.8, 0.1, 0.08), (0.1, 0.35, 0.55), (0.9, 0.55, 0.08))
    strong = colours[int(rng.integers(3))]
    canopy: dict[bool, list[Shape]] = {True: [], False: []}
    ribs = []
    for k in range(8):
        phi = np.linspace(k, k + 1, 9) * math.pi / 4
        rows = []
        for t in np.linspace(0.02, 1.0, 14):
            sag = 0.05 * t * np.sin((phi - phi[0]) / (phi[-1] - phi[0]) * math.pi)
            radius = 1.12 * t * (1 - 0.06 * np.sin((phi - phi[0]) / (phi[-1] - phi[0]) * math.pi))
            z = 2.32 - 0.5 * t**1.8 - sag
            rows.append(np.stack([radius * np.cos(phi), radius * np.sin(phi), z], axis=-1))
        frill = rows[-1] - [0.0, 0.0, 0.1]
        rows.append(frill)
        gore = grid(np.array(rows))
        canopy[k % 2 == 0].append(Shape(gore.points, gore.faces[:, ::-1]))
        a = k * math.pi / 4
        line = [(1.12 * t * math.cos(a), 1.12 * t * math.sin(a), 2.31 - 0.5 * t**1.8) for t in np.linspace(0, 1, 8)]
        ribs.append(tube(line, 0.006, 6))
    mast = cylinder(0.021, 2.3, 14)
    tip = ellipsoid((0.05, 0.05, 0.12), 8, 12).moved(z=2.37)
    foot = cylinder(0.26, 0.1, 30, 0.025)
    return [
        part(canopy[True], cloth("canvas", strong)),
        part(canopy[False], cloth("canvas_light", (0.86, 0.84, 0.78))),
        part([mast, tip, *ribs], wooden("mast", (0.5, 0.34, 0.2))),
        part([foot], Material("foot", (0.5, 0.49, 0.47), "concrete", roughness=0.9)),
    ]


def tent(rng: np.random.Generator) -> list[Part]:
    """A ridge tent with poles, guy ropes and an open flap."""
    colours: tuple[Colour, ...] = ((0.75, 0.38, 0.06), (0.15, 0.32, 0.18), (0.1, 0.28, 0.5))
    length, half, high = 2.2, 0.8, 1.25
    x = np.linspace(-length / 2, length / 2, 15)
    t = np.linspace(0, 1, 13)
    sides = []
    for s in (1, -1):
        ridge = high - 0.06 * np.cos(x / length * math.pi)[:, None] * 1.0
        y = s * half * t[None] ** 0.92 * np.ones((15, 1))
        z = ridge * (1 - t[None]) ** 1.04 + 0.02
        points = np.stack([np.broadcast_to(x[:, None], y.shape), y, z], axis=-1)
        side = grid(points)
        sides.append(side if s < 0 else Shape(side.points, side.faces[:, ::-1]))
    back = grid(
        np.array(
            [
                [(-length / 2, -half * k, 0.02 + (high - 0.02) * 0) for k in np.linspace(-1, 1, 9)],
                [(-length / 2, 0.0, high)] * 9,
            ]
        )
    )
    flap = [
        grid(
            np.array(
                [
                    [(length / 2 + 0.02, s * half, 0.02), (length / 2 + 0.18, s * half * 0.72, 0.02)],
                    [(length / 2, s * 0.02, high), (length / 2 + 0.02, s * 0.1, high * 0.8)],
                ]
            )
        )
        for s in (1, -1)
    ]
    floor = box((length, 2 * half, 0.02))
    dark = grid(
        np.array(
            [
                [(length / 2 - 0.25, -half * k, 0.02) for k in np.linspace(-1, 1, 5)],
                [(length / 2 - 0.25, 0.0, high * 0.94)] * 5,
            ]
        )
    )
    poles = [bar((s * (length / 2 + 0.01), 0, 0), (s * (length / 2 + 0.01), 0, high + 0.08), 0.014, 8) for s in (1, -1)]
    ropes = [bar((s * length / 2, 0, high), (s * (length / 2 + 0.62), 0, 0.02), 0.004, 5) for s in (1, -1)]
    pegs = [bar((s * (length / 2 + 0.62), 0, 0), (s * (length / 2 + 0.64), 0, 0.07), 0.008, 6) for s in (1, -1)]
    colour = colours[int(rng.integers(3))]
    return [
        part([*sides, back, *flap], cloth("canvas", colour)),
        part([floor, dark], cloth("groundsheet", (0.06, 0.07, 0.08))),
        part([*poles, *pegs], STEEL),
        part(ropes, cloth("ropes", (0.8, 0.78, 0.7))),
    ]


def rowing_boat(rng: np.random.Generator) -> list[Part]:
    """A wooden dinghy with thwarts and a pair of oars."""
    colours: tuple[Colour, ...] = ((0.82, 0.82, 0.78), (0.12, 0.3, 0.42), (0.5, 0.1, 0.08))
    stations = np.linspace(0, 1, 25)
    outer, inner = [], []
    for u in stations:
        x = -1.45 + 2.95 * u
        wide = 0.62 * (0.72 + 0.28 * math.sin(math.pi * min(1.0, u * 1.15))) * (1 - max(0.0, (u - 0.45) / 0.55) ** 2.4)
        sheer = 0.46 + 0.2 * max(0.0, u - 0.3) ** 1.6 + 0.03 * (1 - u)
        keel = 0.02 + 0.42 * max(0.0, (u - 0.72) / 0.28) ** 2.2
        t = np.linspace(-1, 1, 21)
        y = np.sign(t) * np.abs(t) ** 0.62 * max(wide, 0.004)
        z = keel + (sheer - keel) * np.abs(t) ** 2.6
        outer.append(np.stack([np.full_like(t, x), y, z], axis=1))
        inner.append(np.stack([np.full_like(t, x), y * 0.96, np.where(np.abs(t) > 0.999, z, z + 0.025)], axis=1))
    hull = grid(np.array(outer))
    lining = grid(np.array(inner))
    hull = Shape(hull.points, hull.faces) if _faces_down(hull) else Shape(hull.points, hull.faces[:, ::-1])
    lining = Shape(lining.points, lining.faces[:, ::-1]) if _faces_down(lining) else lining
    transom = loft(np.array([outer[0], outer[0] + [0.03, 0, 0]]))
    gunwale = [tube(np.array([ring[k] + [0, 0, 0.005] for ring in outer]), 0.022, 8) for k in (0, -1)]
    thwarts = [box((0.2, w, 0.03), 0.006).moved(x, 0, 0.32) for x, w in ((-1.2, 0.86), (-0.3, 1.1), (0.55, 0.94))]
    oars = []
    for s in (1, -1):
        oars += [
            bar((-1.0, s * 0.25, 0.39), (1.0, s * 0.2, 0.44), 0.02),
            box((0.5, 0.13, 0.018), 0.008).moved(1.2, s * 0.19, 0.44),
        ]
    keel_strip = tube(np.array([r[10] - [0, 0, 0.005] for r in outer]), 0.018, 6)
    return [
        part([hull, transom], Material("hull", colours[int(rng.integers(3))], "wood", roughness=0.35)),
        part([lining, *thwarts, keel_strip], wooden("lining", (0.5, 0.33, 0.19))),
        part([*gunwale, *oars], wooden("gunwale", (0.36, 0.22, 0.12))),
    ]


def _faces_down(shape: Shape) -> bool:
    a, b, c = (shape.points[shape.faces[:, k]] for k in range(3))
    return float(np.cross(b - a, c - a)[:, 2].sum()) < 0


def horse_statue(rng: np.random.Generator) -> list[Part]:
    """A bronze horse on a low plinth."""
    lift = float(rng.uniform(0.16, 0.24))
    hind = ((-0.62, 0.13, 1.15), (-0.6, 0.14, 0.82), (-0.74, 0.14, 0.55), (-0.66, 0.14, 0.18), (-0.62, 0.14, 0.1))
    body = [
        _limb(
            [(-0.62, 0, 1.18), (-0.3, 0, 1.16), (0.1, 0, 1.14), (0.45, 0, 1.17), (0.6, 0, 1.24)],
            [0.24, 0.285, 0.28, 0.27, 0.2],
        ),
        _limb([(0.48, 0, 1.25), (0.68, 0, 1.5), (0.82, 0, 1.74), (0.9, 0, 1.86)], [0.23, 0.17, 0.125, 0.1]),
        _limb([(0.84, 0, 1.86), (0.98, 0, 1.78), (1.14, 0, 1.62), (1.22, 0, 1.54)], [0.105, 0.115, 0.085, 0.075]),
        *[_limb([(0.84, s * 0.05, 1.92), (0.85, s * 0.06, 2.06)], [0.035, 0.008]) for s in (1, -1)],
        _limb([(0.86, 0, 1.97), (0.72, 0, 1.84), (0.55, 0, 1.6), (0.42, 0, 1.38)], [0.035, 0.06, 0.06, 0.03]),
        _limb([(-0.8, 0, 1.3), (-0.98, 0, 1.22), (-1.06, 0, 0.9), (-1.04, 0, 0.55)], [0.05, 0.075, 0.09, 0.03]),
    ]
    body += [_limb([(x, s * y, z) for x, y, z in hind], [0.2, 0.13, 0.065, 0.045, 0.07]) for s in (1, -1)]
    body.append(
        _limb(
            [(0.5, 0.13, 1.1), (0.5, 0.14, 0.78), (0.51, 0.14, 0.5), (0.5, 0.14, 0.18), (0.53, 0.14, 0.1)],
            [0.17, 0.1, 0.06, 0.045, 0.07],
        )
    )
    body.append(
        _limb(
            [
                (0.5, -0.13, 1.1),
                (0.66, -0.14, 0.85),
                (0.82, -0.14, 0.6 + lift),
                (0.72, -0.14, 0.42 + lift),
                (0.66, -0.14, 0.34 + lift),
            ],
            [0.17, 0.1, 0.06, 0.045, 0.065],
        )
    )
    plinth = box((1.9, 0.7, 0.1), 0.012)
    bronze = Material("bronze", (0.34, 0.24, 0.13), roughness=0.4, metallic=0.8)
    return [part(body, bronze), part([plinth], Material("plinth", (0.5, 0.5, 0.48), "stone", roughness=0.85))]


def dinosaur_statue(rng: np.random.Generator) -> list[Part]:
    """A long-necked dinosaur from a playground, painted green."""
    sway = float(rng.uniform(-0.12, 0.12))
    body = [
        _limb(
            [
                (-2.3, 2 * sway, 0.34),
                (-1.6, sway, 0.42),
                (-0.85, 0, 0.85),
                (-0.2, 0, 1.12),
                (0.4, 0, 1.16),
                (0.85, 0, 1.3),
                (1.15, 0, 1.75),
                (1.3, 0, 2.2),
                (1.42, 0, 2.42),
            ],
            [0.03, 0.1, 0.3, 0.48, 0.46, 0.3, 0.17, 0.13, 0.12],
            41,
        ),
        _limb([(1.36, 0, 2.44), (1.52, 0, 2.46), (1.74, 0, 2.38)], [0.13, 0.15, 0.09]),
    ]
    for x, y, turn in ((-0.5, 0.3, -0.06), (-0.5, -0.3, 0.1), (0.5, 0.28, 0.1), (0.5, -0.28, -0.06)):
        body.append(
            _limb(
                [
                    (x, y, 1.0),
                    (x + turn, y * 1.1, 0.55),
                    (x + turn * 1.4, y * 1.1, 0.1),
                    (x + turn * 1.4 + 0.03, y * 1.1, 0.0),
                ],
                [0.26, 0.19, 0.15, 0.17],
            )
        )
    spine = [
        ellipsoid((0.16, 0.03, 0.18), 8, 12).moved(x, 0, z)
        for x, z in ((-1.1, 0.86), (-0.75, 1.2), (-0.4, 1.46), (-0.05, 1.6), (0.3, 1.62), (0.65, 1.6))
    ]
    eyes = [ellipsoid((0.05, 0.03, 0.05), 8, 12).moved(1.56, s * 0.125, 2.51) for s in (1, -1)]
    coat = Material("paint", (0.2, 0.42, 0.2), roughness=0.45)
    return [
        part(body, coat),
        part(spine, Material("spikes", (0.75, 0.5, 0.12), roughness=0.5)),
        part(eyes, Material("eyes", (0.03, 0.03, 0.03), roughness=0.1)),
    ]


def _limb(path: list[tuple[float, float, float]], radii: list[float], count: int = 0) -> Shape:
    """A rounded bar along a smooth path, with ball ends."""
    steps = count or 6 * len(path)
    knots = np.column_stack([np.array(path), np.array(radii)])
    curve = smooth_curve(knots, steps)
    skin = tube(curve[:, :3], np.maximum(curve[:, 3], 0.004), 18)
    balls = [ellipsoid([2 * max(row[3], 0.004)] * 3, 12, 18).moved(*row[:3]) for row in (curve[0], curve[-1])]
    return Shape(
        np.concatenate([skin.points, *(b.points for b in balls)]),
        np.concatenate(
            [skin.faces, balls[0].faces + len(skin.points), balls[1].faces + len(skin.points) + len(balls[0].points)]
        ),
    )


def rubber_duck(rng: np.random.Generator) -> list[Part]:
    """An inflatable duck, larger than life."""
    turn = float(rng.uniform(-12, 12))
    yellow = Material("duck", (0.95, 0.72, 0.06), roughness=0.25)
    body = [
        ellipsoid((1.2, 0.9, 0.66), 20, 28).moved(0, 0, 0.33),
        _limb([(-0.42, 0, 0.42), (-0.58, 0, 0.6), (-0.68, 0, 0.78)], [0.26, 0.16, 0.05]),
        *[ellipsoid((0.62, 0.14, 0.36), 14, 20).turned("y", 14).moved(-0.08, s * 0.42, 0.42) for s in (1, -1)],
    ]
    head = [ellipsoid((0.58, 0.56, 0.56), 20, 26).turned("z", turn).moved(0.3, 0, 0.85)]
    beak = [
        ellipsoid((0.3, 0.3, 0.09), 12, 18).turned("y", -8).moved(0.3, 0, 0).turned("z", turn).moved(0.3, 0, 0.83),
        ellipsoid((0.24, 0.24, 0.08), 12, 18).turned("y", 10).moved(0.28, 0, 0).turned("z", turn).moved(0.3, 0, 0.78),
    ]
    eyes = [
        ellipsoid((0.07, 0.07, 0.1), 10, 14).moved(0.235, s * 0.135, 0.08).turned("z", turn).moved(0.3, 0, 0.85)
        for s in (1, -1)
    ]
    return [
        part([*body, *head], yellow),
        part(beak, Material("beak", (0.9, 0.32, 0.04), roughness=0.3)),
        part(eyes, Material("eyes", (0.02, 0.02, 0.02), roughness=0.1)),
    ]

"""Lost loads: tyres, barrel, crate, pallet, ladder, logs, suitcase, shopping trolley."""

from __future__ import annotations

import math

import numpy as np

from hazardsim.mesh.assemble import part
from hazardsim.mesh.materials import CHROME, DARK_PLASTIC, STEEL, TYRE, wooden
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import Points, Shape, bar, box, cylinder, revolve, torus, tube

_PINE = (0.62, 0.47, 0.3)


def tyre_stack(rng: np.random.Generator) -> list[Part]:
    """Four worn tyres on top of each other, each a little off."""
    tyres, ribs = [], []
    for k in range(4):
        x, y = rng.uniform(-0.03, 0.03, 2)
        z = 0.2 * k
        turn = float(rng.uniform(0, 360))
        side = [(0.19, 0.05), (0.2, 0.015), (0.26, 0.0), (0.295, 0.02), (0.315, 0.045)]
        profile = [*side, *[(r, 0.2 - h) for r, h in side[::-1]]]
        tyres.append(revolve([*profile, profile[0]], 40).moved(x, y, z))
        for n in range(40):
            block = box((0.012, 0.034, 0.11)).moved(0.317, 0, 0.045).turned("z", turn + 9.0 * n)
            ribs.append(block.moved(x, y, z))
    return [part([*tyres, *ribs], TYRE)]


def oil_barrel(rng: np.random.Generator) -> list[Part]:
    """A 200-litre steel drum with rust at its foot."""
    colours = ((0.08, 0.22, 0.42), (0.45, 0.09, 0.06), (0.12, 0.3, 0.16))
    coat = Material("drum", colours[int(rng.integers(3))], "painted_metal", roughness=0.4)
    profile = [(0.0, 0.018), (0.27, 0.018), (0.275, 0.0), (0.288, 0.0), (0.288, 0.02)]
    for z in (0.29, 0.59):
        profile += [(0.283, 0.03 + z - 0.035), (0.283, z - 0.02), (0.295, z), (0.283, z + 0.02)]
    profile += [(0.283, 0.86), (0.288, 0.88), (0.275, 0.88), (0.27, 0.862), (0.0, 0.862)]
    bungs = [
        cylinder(0.035, 0.014, 16, 0.004).moved(0.18, 0, 0.862),
        cylinder(0.02, 0.012, 12, 0.004).moved(-0.19, 0.05, 0.862),
    ]
    rust = revolve([(0.2835, 0.03), (0.2842, 0.06), (0.2835, 0.12)], 44)
    wavy = rust.bent(
        lambda p: np.column_stack(
            [p[:, :2], p[:, 2] + (p[:, 2] > 0.1) * 0.03 * np.sin(7 * np.arctan2(p[:, 1], p[:, 0]))]
        )
    )
    return [
        part([revolve(profile, 44)], coat),
        part(bungs, STEEL),
        part([wavy], Material("rust", (0.36, 0.18, 0.09), "rust", roughness=0.9)),
    ]


def wooden_crate(rng: np.random.Generator) -> list[Part]:
    """A slatted transport crate."""
    size, board = 0.9, 0.022
    slats, frame = [], []
    for k in range(6):
        z = 0.012 + k * (size - 0.024) / 6
        high = (size - 0.024) / 6 - 0.018
        for s in (1, -1):
            shade = float(rng.uniform(-0.004, 0.004))
            slats.append(box((board, size - 0.03, high), 0.004).moved(s * (size / 2 - board + shade), 0, z))
            slats.append(box((size - 0.06, board, high), 0.004).moved(0, s * (size / 2 - board + shade), z))
        slats.append(
            box((size - 0.04, (size - 0.03) / 6 - 0.014, board), 0.004).moved(
                0, (k - 2.5) * (size - 0.03) / 6, size - board
            )
        )
    for s in (1, -1):
        for t in (1, -1):
            frame.append(box((0.09, 0.03, size), 0.004).moved(s * (size / 2 - 0.045), t * size / 2, 0))
            frame.append(box((0.03, 0.07, size), 0.004).moved(s * size / 2, t * (size / 2 - 0.05), 0))
        diagonal = box((0.03, 0.085, 1.05), 0.004).moved(0, 0, -0.525).turned("x", 45 * s)
        frame.append(diagonal.moved(s * size / 2, 0, size / 2))
    return [part(slats, wooden("slats", _PINE)), part(frame, wooden("frame", (0.5, 0.37, 0.23)))]


def pallet(rng: np.random.Generator) -> list[Part]:
    """Two euro pallets, the upper one askew."""
    boards: list[Shape] = []
    for level in range(2):
        turn, off = (float(rng.uniform(4, 12)), float(rng.uniform(-0.06, 0.06))) if level else (0.0, 0.0)
        one = [box((1.2, 0.1, 0.022), 0.003).moved(0, y, 0) for y in (-0.345, 0, 0.345)]
        one += [
            box((0.145, 0.12, 0.078), 0.003).moved(x, y, 0.022) for x in (-0.52, 0, 0.52) for y in (-0.345, 0, 0.345)
        ]
        one += [box((0.145, 0.8, 0.022), 0.003).moved(x, 0, 0.1) for x in (-0.52, 0, 0.52)]
        one += [
            box((1.2, w, 0.022), 0.003).moved(0, y, 0.122)
            for y, w in ((-0.33, 0.145), (-0.165, 0.1), (0, 0.145), (0.165, 0.1), (0.33, 0.145))
        ]
        boards += [b.turned("z", turn).moved(off, -off, 0.144 * level) for b in one]
    return [part(boards, wooden("boards", _PINE))]


def ladder(rng: np.random.Generator) -> list[Part]:
    """An aluminium step ladder, opened."""
    spread, steps = float(rng.uniform(15, 18)), 7
    high = 1.95
    front, treads, back = [], [], []
    for s in (1, -1):
        front.append(box((0.05, 0.025, high), 0.006).moved(0, 0.22 * s, 0).turned("x", 3.0 * s))
        back.append(box((0.03, 0.022, high), 0.005).moved(0, 0.19 * s, 0).turned("x", 3.0 * s))
    for k in range(1, steps + 1):
        z = k * high / (steps + 0.6)
        treads.append(box((0.09, 0.44 - 0.105 * z, 0.03), 0.006).moved(0, 0, z).turned("y", -spread).turned("y", 0))
    back += [box((0.025, 0.38 - 0.105 * z, 0.025), 0.004).moved(0, 0, z) for z in (0.35, 1.1)]
    top = math.sin(math.radians(spread)) * high
    lean = [s.turned("y", -spread).moved(top, 0, 0) for s in front]
    treads = [t.moved(top, 0, 0) for t in treads]
    rear = [s.turned("y", spread).moved(-top * 0.98, 0, 0) for s in back]
    cap = box((0.22, 0.36, 0.05), 0.015).moved(0, 0, high * math.cos(math.radians(spread)) - 0.02)
    feet = [box((0.07, 0.045, 0.05), 0.01).moved(x, s * 0.22, -0.005) for x in (top, -top) for s in (1, -1)]
    braces = [bar((0.36, s * 0.19, 0.7), (-0.36, s * 0.17, 0.7), 0.008, 6) for s in (1, -1)]
    metal = Material("aluminium", (0.66, 0.67, 0.68), "metal", roughness=0.35, metallic=0.8)
    return [
        part([*lean, *treads, *rear, *braces], metal),
        part([cap, *feet], Material("caps", (0.7, 0.12, 0.05), roughness=0.5)),
    ]


def log_pile(rng: np.random.Generator) -> list[Part]:
    """Six tree trunks on a heap."""
    bark, ends = [], []
    radius = 0.17
    places = [(-1.0, 0), (0.0, 0), (1.0, 0), (-0.5, 1), (0.5, 1), (0.0, 2)]
    for column, row in places:
        r = radius * float(rng.uniform(0.93, 1.0))
        y, z = column * 2 * radius, radius + row * radius * math.sqrt(3)
        length = float(rng.uniform(1.9, 2.3))
        off = float(rng.uniform(-0.12, 0.12))
        wobble = rng.uniform(0.0, 2 * math.pi, 3)
        stem = revolve([(r, t) for t in np.linspace(-length / 2, length / 2, 15)], 22)

        def bumpy(
            p: Points,
            phase: Points = wobble,
        ) -> Points:
            angle = np.arctan2(p[:, 1], p[:, 0])
            bump = (
                1
                + 0.02 * np.sin(3 * angle + phase[0] + 2 * p[:, 2])
                + 0.015 * np.sin(7 * angle + phase[1] - 5 * p[:, 2])
            )
            return np.column_stack([p[:, 0] * bump, p[:, 1] * bump, p[:, 2]])

        turn = float(rng.uniform(0, 360))
        bark.append(stem.bent(bumpy).turned("z", turn).turned("y", 90).moved(off, y, z))
        for s in (1, -1):
            disc = cylinder(r * 0.93, 0.012, 22).moved(z=-0.006).turned("y", 90)
            ends.append(disc.moved(off + s * length / 2, y, z))
    return [
        part(bark, Material("bark", (0.3, 0.22, 0.15), "bark", roughness=0.95)),
        part(ends, wooden("cut", (0.68, 0.5, 0.3))),
    ]


def suitcase(rng: np.random.Generator) -> list[Part]:
    """A hard-shell trolley case, upright."""
    colours = ((0.5, 0.07, 0.08), (0.07, 0.2, 0.4), (0.75, 0.5, 0.08))
    shell = Material("shell", colours[int(rng.integers(3))], roughness=0.3)
    case = [box((0.27, 0.48, 0.66), 0.06, 4).moved(0, 0, 0.05)]
    case += [box((0.285, 0.022, 0.54), 0.008).moved(0, y, 0.11) for y in np.linspace(-0.16, 0.16, 6)]
    seam = box((0.02, 0.49, 0.67), 0.008).moved(0, 0, 0.045)
    wheels = [
        cylinder(0.027, 0.03, 16, 0.006).turned("x", 90).moved(x, y, 0.027) for x in (-0.09, 0.09) for y in (-0.17, 0.2)
    ]
    forks = [box((0.05, 0.05, 0.04), 0.01).moved(x, s * 0.18, 0.03) for x in (-0.09, 0.09) for s in (1, -1)]
    grip = tube([(0.02, -0.07, 0.7), (0.02, -0.06, 0.745), (0.02, 0.06, 0.745), (0.02, 0.07, 0.7)], 0.013, 8)
    rods = [bar((-0.1, y, 0.6), (-0.1, y, 0.98), 0.009) for y in (-0.1, 0.1)]
    handle = box((0.035, 0.26, 0.035), 0.014).moved(-0.1, 0, 0.97)
    return [part(case, shell), part([seam, *wheels, *forks, grip, handle], DARK_PLASTIC), part(rods, CHROME)]


def shopping_trolley(rng: np.random.Generator) -> list[Part]:
    """A supermarket trolley of chromed wire."""
    wires: list[Shape] = []
    low, high = 0.42, 0.92

    def corner(t: float, s: float, z: float) -> tuple[float, float, float]:
        grow = (z - low) / (high - low)
        x0, x1 = -0.36 - 0.06 * grow, 0.36 + 0.08 * grow
        half = 0.2 + 0.06 * grow - 0.04 * t
        return x0 + (x1 - x0) * t, s * half, z

    for z in np.linspace(low, high, 8):
        thick = 0.006 if z in (low, high) else 0.0035
        ring = [corner(0, -1, z), corner(1, -1, z), corner(1, 1, z), corner(0, 1, z)]
        wires += [bar(a, b, thick, 6) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    for t in np.linspace(0, 1, 17):
        wires += [bar(corner(t, s, low), corner(t, s, high), 0.003, 5) for s in (-1, 1)]
        wires.append(bar(corner(t, -1, low), corner(t, 1, low), 0.003, 5))
    for s in np.linspace(-1, 1, 10):
        wires += [bar(corner(t, s, low), corner(t, s, high), 0.003, 5) for t in (0, 1)]
        wires.append(bar(corner(0, s, low), corner(1, s, low), 0.003, 5))
    frame = []
    for s in (1, -1):
        frame.append(
            tube(
                [
                    (-0.5, s * 0.25, 1.0),
                    (-0.43, s * 0.25, 0.9),
                    (-0.36, s * 0.22, 0.42),
                    (-0.42, s * 0.24, 0.2),
                    (-0.42, s * 0.24, 0.12),
                ],
                0.012,
                8,
            )
        )
        frame.append(
            tube([(-0.42, s * 0.24, 0.2), (0.0, s * 0.2, 0.2), (0.42, s * 0.16, 0.2), (0.44, s * 0.16, 0.12)], 0.012, 8)
        )
        frame.append(bar((0.38, s * 0.16, 0.2), (0.1, s * 0.19, 0.42), 0.01, 8))
    grip = bar((-0.5, -0.26, 1.0), (-0.5, 0.26, 1.0), 0.018)
    wheels, forks = [], []
    for x, y in ((-0.42, 0.24), (-0.42, -0.24), (0.44, 0.16), (0.44, -0.16)):
        turn = float(rng.uniform(-40, 40))
        wheels.append(torus(0.042, 0.018, 22, 8).turned("x", 90).turned("z", turn).moved(x, y, 0.06))
        wheels.append(cylinder(0.035, 0.02, 14).moved(z=-0.01).turned("x", 90).turned("z", turn).moved(x, y, 0.06))
        forks.append(box((0.03, 0.05, 0.08), 0.008).turned("z", turn).moved(x, y, 0.07))
    red = Material("grip", (0.7, 0.08, 0.05), roughness=0.5)
    return [part([*wires, *frame, *forks], CHROME), part([grip], red), part(wheels, DARK_PLASTIC)]

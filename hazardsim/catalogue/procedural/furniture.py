"""Household things that stand on the road: sofa, armchair, mattress, wardrobe, refrigerator, piano, bathtub."""

from __future__ import annotations

import numpy as np

from hazardsim.mesh.assemble import part
from hazardsim.mesh.materials import CHROME, DARK_PLASTIC, Colour, cloth, wooden
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import Points, Shape, bar, box, cylinder, loft, rounded_outline, tube

_OAK: Colour = (0.42, 0.27, 0.15)


def _seat(width: float, places: int, colour: Colour) -> list[Part]:
    arm, depth = 0.2, 0.92
    inner = width - 2 * arm
    frame = [
        box((depth - 0.1, width - 0.04, 0.2), 0.04).moved(0.02, 0, 0.12),
        *[box((depth - 0.06, arm, 0.5), 0.08).moved(0.03, s * (width - arm) / 2, 0.12) for s in (1, -1)],
        box((0.22, width - 0.06, 0.72), 0.08).turned("y", -9).moved(-depth / 2 + 0.14, 0, 0.14),
    ]
    cushions = []
    for k in range(places):
        y = (k + 0.5 - places / 2) * inner / places
        cushions.append(box((0.66, inner / places - 0.015, 0.19), 0.07).moved(0.11, y, 0.29))
        cushions.append(box((0.19, inner / places - 0.03, 0.44), 0.08).turned("y", -14).moved(-0.2, y, 0.45))
    feet = [
        cylinder(0.025, 0.13, 12).moved(x, y, 0) for x in (-0.32, 0.36) for y in (-width / 2 + 0.12, width / 2 - 0.12)
    ]
    lighter: Colour = tuple(min(1.0, c * 1.18) for c in colour)  # type: ignore[assignment]
    return [
        part(frame, cloth("upholstery", colour)),
        part(cushions, cloth("cushions", lighter)),
        part(feet, wooden("feet", _OAK)),
    ]


def sofa(rng: np.random.Generator) -> list[Part]:
    """A three-seater."""
    return _seat(2.15, 3, _pick(rng, ((0.42, 0.1, 0.1), (0.16, 0.25, 0.3), (0.5, 0.42, 0.33))))


def armchair(rng: np.random.Generator) -> list[Part]:
    """A deep armchair."""
    return _seat(0.98, 1, _pick(rng, ((0.2, 0.3, 0.17), (0.5, 0.3, 0.12), (0.36, 0.2, 0.3))))


def mattress(rng: np.random.Generator) -> list[Part]:
    """A striped double mattress, lying flat."""
    block = box((2.0, 1.4, 0.22), 0.07, 5)
    stripes = [box((1.84, 0.022, 0.006)).moved(0, y, 0.216) for y in np.linspace(-0.58, 0.58, 13)]
    piping = []
    for z in (0.035, 0.185):
        ring = np.column_stack([rounded_outline(2.0, 1.4, 0.09), np.full(20, z)])
        piping.append(tube(np.vstack([ring, ring[:2]]), 0.012, 6))
    return [
        part([block], cloth("ticking", (0.82, 0.8, 0.74))),
        part([*piping, *stripes], cloth("stripes", _pick(rng, ((0.3, 0.4, 0.6), (0.5, 0.2, 0.2))))),
    ]


def wardrobe(rng: np.random.Generator) -> list[Part]:
    """A two-door wardrobe, upright."""
    colour = _pick(rng, (_OAK, (0.55, 0.4, 0.25), (0.3, 0.19, 0.12)))
    body = [box((0.56, 1.16, 1.88), 0.006).moved(0, 0, 0.08), box((0.6, 1.22, 0.05), 0.012).moved(0.01, 0, 1.95)]
    doors = [box((0.03, 0.565, 1.72), 0.008).moved(0.29, s * 0.287, 0.17) for s in (1, -1)]
    panels = [
        box((0.018, 0.4, z), 0.008).moved(0.31, s * 0.287, at) for s in (1, -1) for z, at in ((0.7, 0.25), (0.72, 1.08))
    ]
    knobs = [cylinder(0.017, 0.04, 14, 0.006).turned("y", 90).moved(0.305, s * 0.04, 1.0) for s in (1, -1)]
    plinth = box((0.52, 1.12, 0.09)).moved(-0.01, 0, 0)
    darker: Colour = tuple(c * 0.75 for c in colour)  # type: ignore[assignment]
    return [
        part([*body, *doors], wooden("carcass", colour)),
        part([*panels, plinth], wooden("panels", darker)),
        part(knobs, CHROME),
    ]


def refrigerator(rng: np.random.Generator) -> list[Part]:
    """A fridge-freezer with two doors."""
    white = Material("enamel", _pick(rng, ((0.85, 0.86, 0.86), (0.78, 0.79, 0.75))), roughness=0.25)
    case = box((0.58, 0.6, 1.72), 0.02).moved(-0.03, 0, 0.04)
    doors = [box((0.06, 0.6, 1.08), 0.022).moved(0.3, 0, 0.06), box((0.06, 0.6, 0.61), 0.022).moved(0.3, 0, 1.155)]
    gaskets = [box((0.025, 0.57, 1.68)).moved(0.258, 0, 0.06)]
    handles = [box((0.035, 0.025, h), 0.01).moved(0.36, -0.25, z) for h, z in ((0.42, 0.66), (0.26, 1.2))]
    feet = [cylinder(0.02, 0.05, 12).moved(x, y, 0) for x in (-0.26, 0.24) for y in (-0.25, 0.25)]
    coil = [bar((-0.335, -0.24, z), (-0.335, 0.24, z), 0.006, 6) for z in np.linspace(0.35, 1.55, 14)]
    return [
        part([case, *doors], white),
        part([*gaskets, *feet, *coil], DARK_PLASTIC),
        part(handles, CHROME),
    ]


def upright_piano(rng: np.random.Generator) -> list[Part]:
    """A piano whose keyboard faces forward."""
    lacquer = Material("lacquer", _pick(rng, ((0.03, 0.025, 0.025), (0.16, 0.07, 0.035))), roughness=0.12)
    body = [
        box((0.36, 1.48, 1.2), 0.008).moved(-0.13, 0, 0.0),
        box((0.4, 1.52, 0.035), 0.01).moved(-0.12, 0, 1.2),
        box((0.3, 1.48, 0.09), 0.008).moved(0.17, 0, 0.6),
        *[box((0.34, 0.06, 0.2), 0.02).moved(0.15, s * 0.71, 0.6) for s in (1, -1)],
        *[box((0.055, 0.055, 0.62), 0.01).moved(0.27, s * 0.69, 0.0) for s in (1, -1)],
        *[box((0.36, 0.08, 0.06), 0.012).moved(0.14, s * 0.69, 0.0) for s in (1, -1)],
        box((0.02, 1.3, 0.05), 0.004).moved(0.06, 0, 0.82),
    ]
    keys = [box((0.15, 0.0225, 0.022), 0.002).moved(0.225, -0.61 + k * 1.22 / 51, 0.685) for k in range(52)]
    black = [
        box((0.095, 0.012, 0.018), 0.002).moved(0.19, -0.61 + (k + 0.5) * 1.22 / 51, 0.703)
        for k in range(51)
        if k % 7 not in (2, 6)
    ]
    pedals = [box((0.09, 0.025, 0.015), 0.005).moved(0.09, y, 0.04) for y in (-0.09, 0.0, 0.09)]
    return [
        part(body, lacquer),
        part(keys, Material("ivory", (0.9, 0.88, 0.82), roughness=0.3)),
        part(black, DARK_PLASTIC),
        part(pedals, Material("brass", (0.7, 0.52, 0.22), roughness=0.25, metallic=1.0)),
    ]


def bathtub(rng: np.random.Generator) -> list[Part]:
    """A free-standing tub on four feet."""
    enamel = Material("enamel", (0.9, 0.9, 0.88), roughness=0.15)
    outside = Material("outside", _pick(rng, ((0.88, 0.88, 0.86), (0.12, 0.2, 0.28), (0.35, 0.08, 0.1))), roughness=0.3)
    outer = [
        _tub(*r)
        for r in ((0.12, 1.05, 0.4), (0.15, 1.25, 0.52), (0.28, 1.45, 0.64), (0.5, 1.6, 0.72), (0.585, 1.64, 0.74))
    ]
    inner = [_tub(*r) for r in ((0.585, 1.58, 0.68), (0.5, 1.52, 0.64), (0.28, 1.34, 0.56), (0.19, 1.1, 0.42))]
    lip = [
        _tub(z, 1.65 + d, 0.75 + d)
        for z, d in ((0.585, 0.0), (0.58, 0.05), (0.6, 0.06), (0.615, 0.03), (0.61, -0.03), (0.585, -0.07))
    ]
    feet = [
        loft(np.array([_foot(x * (1.02 - 0.1 * z), y, z, w) for z, w in ((0.0, 0.1), (0.05, 0.06), (0.2, 0.11))]))
        for x in (-0.52, 0.52)
        for y in (-0.22, 0.22)
    ]
    taps = [
        tube([(0.72, 0.0, 0.6), (0.72, 0.0, 0.78), (0.66, 0, 0.83), (0.56, 0, 0.8)], 0.018),
        *[cylinder(0.028, 0.09, 12, 0.01).moved(0.73, y, 0.61) for y in (-0.1, 0.1)],
    ]
    skin = loft(np.array(inner), caps=False)
    basin = Shape(skin.points, skin.faces)
    floor = loft(np.array([_tub(0.17, 1.1, 0.42), _tub(0.192, 1.1, 0.42)]))
    return [
        part(
            [loft(np.array(outer), caps=False), loft(np.array([_tub(0.115, 1.04, 0.4), _tub(0.12, 1.05, 0.4)]))],
            outside,
        ),
        part([basin, floor, loft(np.array(lip), caps=False)], enamel),
        part([*feet, *taps], CHROME),
    ]


def _tub(z: float, length: float, width: float) -> Points:
    flat = rounded_outline(length, width, width * 0.47, 9)
    return np.column_stack([flat, np.full(len(flat), z)])


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _foot(x: float, y: float, z: float, width: float) -> Points:
    flat = rounded_outline(width, width, width * 0.3) + np.array([x, y])
    return np.column_stack([flat, np.full(len(flat), z)])

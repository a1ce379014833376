"""Lorries and buses: boxes with rounded edges, cabs, windows, lamps and steel wheels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from hazardsim.mesh.assemble import part, stand
from hazardsim.mesh.drape import FRONT, LEFT, REAR, Direction, draped
from hazardsim.mesh.materials import (
    DARK_PLASTIC,
    HEADLIGHT,
    INDICATOR,
    PLATE,
    SHADOW,
    STEEL,
    TAILLIGHT,
    TINTED_GLASS,
    Colour,
    paint,
)
from hazardsim.mesh.model import Material, Part
from hazardsim.mesh.shape import Points, Shape, bar, box, loft
from hazardsim.street.wheels import disc_wheel, wheel_parts


@dataclass(frozen=True, slots=True)
class LorryForm:
    """A lorry's plan: where the cab ends and the load begins, in shares of the length; radii in metres."""

    cab: float
    cab_height: float
    axles: tuple[float, ...]
    wheel_radius: float
    load_height: float = 1.0
    load: Colour = (0.82, 0.82, 0.80)
    load_painted: bool = False
    beacon: bool = False
    ladder: bool = False


LORRIES: Final[dict[str, LorryForm]] = {
    "box_lorry": LorryForm(cab=0.26, cab_height=0.86, axles=(0.22, 0.86), wheel_radius=0.42),
    "cola_lorry": LorryForm(cab=0.31, cab_height=0.92, axles=(0.24, 0.83), wheel_radius=0.40, load_painted=True),
    "heavy_lorry": LorryForm(
        cab=0.27, cab_height=0.95, axles=(0.14, 0.29, 0.85), wheel_radius=0.50, load=(0.7, 0.72, 0.74)
    ),
    "fire_engine": LorryForm(
        cab=0.30,
        cab_height=0.88,
        axles=(0.22, 0.82),
        wheel_radius=0.50,
        load_height=0.90,
        load_painted=True,
        beacon=True,
        ladder=True,
    ),
    "ambulance": LorryForm(
        cab=0.33, cab_height=0.80, axles=(0.2, 0.82), wheel_radius=0.38, load_painted=True, beacon=True
    ),
}


def lorry_parts(form: LorryForm, size_m: tuple[float, float, float], colour: Colour) -> tuple[Part, ...]:
    """A lorry `size_m` (length, width over the mirrors, height), standing on the origin."""
    length, over_mirrors, height = size_m
    width = over_mirrors - 0.36
    half = length / 2
    floor = form.wheel_radius * 1.15
    cab_length = form.cab * length
    cab = _shell(half - cab_length, half, width * 0.97, 0.34, form.cab_height * height, lean=0.16)
    load_end = half - cab_length - 0.12
    load_top = height * form.load_height
    load = box((load_end + half, width, load_top - floor - 0.12), 0.035).moved((load_end - half) / 2, 0, floor + 0.12)
    coat = paint(colour)
    load_material = coat if form.load_painted else Material("load", form.load, "painted_metal", roughness=0.4)
    z = form.cab_height * height
    glass = [
        draped(cab, _quad(-0.43 * width, 0.43 * width, z * 0.52, z * 0.88), FRONT, 0.006, (10, 6)),
        *_both(draped(cab, _quad(half - 0.78 * cab_length, half - 0.16 * cab_length, z * 0.53, z * 0.86), LEFT, 0.006)),
    ]
    front_dark = [
        draped(cab, _quad(-0.32 * width, 0.32 * width, z * 0.29, z * 0.46), FRONT, 0.006, (8, 4)),
        draped(cab, _quad(-0.46 * width, 0.46 * width, 0.38, 0.52), FRONT, 0.008, (8, 2)),
    ]
    lamps = [draped(cab, _quad(0.31 * width, 0.46 * width, 0.62, 0.80), FRONT, 0.012)]
    flash = [draped(cab, _quad(0.31 * width, 0.46 * width, 0.82, 0.88), FRONT, 0.01)]
    gap = [
        draped(cab, _quad(x, x + 0.015, 0.55, z * 0.88), LEFT, 0.004, (1, 8))
        for x in (half - 0.12 * cab_length, half - 0.82 * cab_length)
    ]
    chassis = [
        *_both(box((length - 0.5, 0.09, 0.22)).moved(-0.1, 0.4, floor - 0.12)),
        box((0.12, width * 0.96, 0.14), 0.03).moved(-half + 0.08, 0, 0.5),
        *[box((0.12, width * 0.8, 0.12)).moved((a - 0.5) * length, 0, form.wheel_radius - 0.06) for a in form.axles],
        box((0.9, 0.5, 0.5), 0.06).moved(half - cab_length - 0.95, 0.72, 0.45),
        box((0.9, 0.5, 0.5), 0.06).moved(half - cab_length - 0.95, -0.72, 0.45),
        box((form.wheel_radius * 2.4, width * 0.93, 0.25), 0.03).moved(
            (form.axles[-1] - 0.5) * length, 0, floor - 0.02
        ),
    ]
    mirrors = [
        *_both(box((0.09, 0.17, 0.42), 0.03).moved(half - 0.12, width / 2 + 0.09, z * 0.62)),
        *_both(bar((half - 0.2, width / 2 - 0.1, z * 0.78), (half - 0.12, width / 2 + 0.1, z * 0.74), 0.018)),
    ]
    rear = [draped(load, _quad(-0.012, 0.012, floor + 0.2, load_top - 0.08), REAR, 0.004, (1, 1))]
    rails = [bar((-half - 0.02, y, floor + 0.2), (-half - 0.02, y, load_top - 0.1), 0.014) for y in (-0.32, 0.32)]
    tail = [box((0.05, 0.32, 0.13), 0.015).moved(-half + 0.02, y * (width / 2 - 0.28), 0.62) for y in (1, -1)]
    plate = [box((0.02, 0.52, 0.11)).moved(half + 0.0, 0, 0.42), box((0.02, 0.52, 0.11)).moved(-half + 0.01, 0, 0.66)]
    parts = [
        part([cab], coat),
        part([load], load_material),
        part(glass, TINTED_GLASS),
        part([*front_dark, *_both_all(gap), *chassis, *mirrors, *rear], DARK_PLASTIC),
        part(_both_all(lamps), HEADLIGHT),
        part(_both_all(flash), INDICATOR),
        part(tail, TAILLIGHT),
        part(plate, PLATE),
        part([*rails, *(_ladder(half, load_top) if form.ladder else [])], STEEL),
        part([box((1.0, width * 0.6, floor * 0.5)).moved(half - cab_length * 0.5, 0, floor * 0.5)], SHADOW),
    ]
    if form.beacon:
        blue = Material("beacon", (0.03, 0.09, 0.6), roughness=0.1)
        parts.append(part([box((0.22, width * 0.7, 0.13), 0.05).moved(half - 0.45 * cab_length, 0, z - 0.02)], blue))
        stripe = Material("stripe", (0.85, 0.8, 0.1), roughness=0.4)
        parts.append(
            part(
                _both(
                    draped(load, _quad(-half + 0.1, load_end - 0.1, floor + 0.45, floor + 0.65), LEFT, 0.005, (6, 1))
                ),
                stripe,
            )
        )
    wheel_width = 0.28 if form.wheel_radius < 0.45 else 0.34
    y = width / 2 - wheel_width / 2 - 0.02
    places = [((a - 0.5) * length, s * y, form.wheel_radius) for a in form.axles for s in (1, -1)]
    return stand([*parts, *wheel_parts(disc_wheel(form.wheel_radius, wheel_width), places)], size_m)


def bus_parts(
    size_m: tuple[float, float, float], colour: Colour, axles: tuple[float, float] = (0.25, 0.79)
) -> tuple[Part, ...]:
    """A bus `size_m` (length, width over the mirrors, height), standing on the origin."""
    length, over_mirrors, height = size_m
    width = over_mirrors - 0.3
    half = length / 2
    body = _shell(-half, half, width, 0.32, height, lean=0.1)
    radius = 0.145 * height
    low, high = 0.40 * height, 0.79 * height
    coat = paint(colour)
    band = _both(draped(body, _quad(-half + 0.35, half - 0.5, low, high), LEFT, 0.005, (24, 4)))
    count = max(4, round((length - 1.2) / 1.45))
    edges = np.linspace(-half + 0.35, half - 0.55, count + 1)
    posts = [draped(body, _quad(x - 0.03, x + 0.03, low, high), LEFT, 0.009, (1, 4)) for x in edges[1:-1]]
    doors = [half - 1.5, -0.02 * length]
    door_glass = [draped(body, _quad(x, x + 1.1, 0.48, high), _RIGHT, 0.008, (4, 6)) for x in doors]
    door_split = [draped(body, _quad(x + 0.53, x + 0.57, 0.48, high), _RIGHT, 0.013, (1, 6)) for x in doors]
    screen = draped(body, _quad(-0.44 * width, 0.44 * width, 0.36 * height, 0.80 * height), FRONT, 0.006, (12, 6))
    sign = draped(body, _quad(-0.34 * width, 0.34 * width, 0.83 * height, 0.92 * height), FRONT, 0.006, (8, 2))
    letters = draped(body, _quad(-0.25 * width, 0.18 * width, 0.855 * height, 0.895 * height), FRONT, 0.01, (8, 1))
    back = draped(body, _quad(-0.40 * width, 0.40 * width, 0.52 * height, 0.80 * height), REAR, 0.006, (8, 4))
    wells = []
    for a in axles:
        x = (a - 0.5) * length
        t = np.linspace(0, np.pi, 17)
        for z0, z1 in pairwise(t):
            r = radius * 1.18
            xa, xb = x + r * np.cos(z1), x + r * np.cos(z0)
            wells.append(
                draped(
                    body,
                    [(xa, 0.33), (xb, 0.33), (xb, radius + r * np.sin(z0)), (xa, radius + r * np.sin(z1))],
                    LEFT,
                    0.004,
                    (1, 2),
                )
            )
    head = draped(body, _quad(0.31 * width, 0.45 * width, 0.19 * height, 0.26 * height), FRONT, 0.01)
    tail = draped(body, _quad(0.36 * width, 0.45 * width, 0.28 * height, 0.46 * height), REAR, 0.008)
    grille = draped(body, _quad(-0.3 * width, 0.3 * width, 0.42, 0.62), REAR, 0.006, (6, 2))
    bumper = draped(body, _quad(-0.46 * width, 0.46 * width, 0.36, 0.5), FRONT, 0.01, (8, 2))
    vents = [box((1.6, width * 0.6, 0.16), 0.06).moved(x, 0, height - 0.08) for x in (-0.2 * length, 0.15 * length)]
    mirrors = [
        *_both(box((0.1, 0.14, 0.36), 0.04).moved(half + 0.02, width / 2 + 0.08, 0.55 * height)),
        *_both(bar((half - 0.1, width / 2 - 0.1, 0.74 * height), (half + 0.02, width / 2 + 0.08, 0.66 * height), 0.02)),
    ]
    plates = [
        draped(body, _quad(-0.26, 0.26, 0.52, 0.63), FRONT, 0.014, (4, 1)),
        draped(body, _quad(-0.26, 0.26, 0.66, 0.77), REAR, 0.01, (4, 1)),
    ]
    skirt = _both(draped(body, _quad(-half + 0.2, half - 0.2, 0.325, 0.42), LEFT, 0.003, (20, 1)))
    parts = [
        part([body, *vents], coat),
        part([*band, screen, back, *door_glass], TINTED_GLASS),
        part([*_both_all(posts), *door_split, sign, *mirrors, grille, bumper, *skirt], DARK_PLASTIC),
        part([letters], Material("destination", (0.95, 0.6, 0.1), roughness=0.5)),
        part(_both_all(wells), SHADOW),
        part(_both_all([head]), HEADLIGHT),
        part(_both_all([tail]), TAILLIGHT),
        part(plates, PLATE),
    ]
    y = width / 2 - 0.15
    places = [((a - 0.5) * length, s * y, radius) for a in axles for s in (1, -1)]
    return stand([*parts, *wheel_parts(disc_wheel(radius, 0.32), places)], size_m)


_RIGHT: Final[Direction] = (0.0, -1.0, 0.0)


def _quad(a0: float, a1: float, b0: float, b1: float) -> list[tuple[float, float]]:
    return [(a0, b0), (a1, b0), (a1, b1), (a0, b1)]


def _both(shape: Shape) -> list[Shape]:
    return [shape, shape.mirrored()]


def _both_all(shapes: list[Shape]) -> list[Shape]:
    return [s for shape in shapes for s in _both(shape)]


def _shell(rear: float, front: float, width: float, low: float, high: float, lean: float) -> Shape:
    """A coach-like box: rounded corners in plan and profile, its front leaning back by `lean` metres at the top."""
    rings: list[Points] = []
    inset = (0.10, 0.03, 0.0, 0.0, 0.0, 0.0, 0.015, 0.05, 0.12, 0.25)
    rise = (0.0, 0.03, 0.10, 0.35, 0.6, 0.8, 0.93, 0.97, 0.99, 1.0)
    for shrink, t in zip(inset, rise, strict=True):
        x0, x1 = rear + shrink, front - shrink - lean * max(0.0, t - 0.35) ** 1.5
        half = width / 2 - shrink * 0.8 - 0.03 * t
        rings.append(_plan(x0, x1, half, low + (high - low) * t))
    return loft(np.array(rings))


def _plan(x0: float, x1: float, half: float, z: float) -> Points:
    t = np.linspace(0, np.pi / 2, 7)
    r = min(0.22, half * 0.4)
    bow = 0.06
    corners = []
    for cx, cy, turn in ((x1 - r, half - r, 0), (x0 + r, half - r, 1), (x0 + r, -half + r, 2), (x1 - r, -half + r, 3)):
        a = t + turn * np.pi / 2
        corners.append(np.stack([cx + r * np.cos(a), cy + r * np.sin(a)], 1))
    flat = np.concatenate(corners)
    across = np.clip(flat[:, 1] / half, -1, 1)
    flat[:, 0] += np.where(flat[:, 0] > (x0 + x1) / 2, bow * (1 - across**2), 0.0) - np.where(
        flat[:, 0] > (x0 + x1) / 2, bow, 0.0
    )
    return np.column_stack([flat, np.full(len(flat), z)])


def _ladder(half: float, top: float) -> list[Shape]:
    rails = [bar((-half + 0.1, y, top + 0.14), (half * 0.6, y, top + 0.2), 0.035) for y in (-0.28, 0.28)]
    rungs = [
        bar((x, -0.28, top + 0.17), (x, 0.28, top + 0.17), 0.02, 6) for x in np.linspace(-half + 0.3, half * 0.5, 16)
    ]
    return [*rails, *rungs]

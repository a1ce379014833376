"""Street furniture, each standing on its origin with its front towards +x."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import TaggedPart
from hazardsim.mesh.solid import Solid, joined, lathe, pole, solid_box, solid_tube
from hazardsim.server.town import palette
from hazardsim.taxonomy import TAG

_POLE, _STATIC = TAG["Poles"], TAG["Static"]


def street_lamp() -> tuple[TaggedPart, ...]:
    """An 8 m lamp on a curved bracket that reaches 1.6 m towards +x."""
    b = Builder()
    b.add(
        lathe([(0.0, 0.0), (0.17, 0.0), (0.17, 0.05), (0.11, 0.12), (0.11, 1.0), (0.08, 1.05)], 10),
        palette.GREY_STEEL,
        _POLE,
    )
    bend = np.array([[0, 0, 1.0], [0, 0, 7.2], [0.10, 0, 7.65], [0.45, 0, 7.92], [0.9, 0, 8.0], [1.25, 0, 8.0]])
    b.add(solid_tube(bend, np.array([0.075, 0.055, 0.05, 0.045, 0.04, 0.04]), 8), palette.GREY_STEEL, _POLE)
    b.add(solid_box((1.1, -0.16, 7.94), (1.85, 0.16, 8.08)), palette.GREY_STEEL, _POLE)
    b.add(solid_box((1.2, -0.12, 7.915), (1.8, 0.12, 7.941)), palette.LAMP_GLASS, _POLE)
    return b.parts()


def park_lamp() -> tuple[TaggedPart, ...]:
    """A 4 m post-top lantern."""
    b = Builder()
    profile = [
        (0.0, 0.0),
        (0.14, 0.0),
        (0.14, 0.25),
        (0.07, 0.35),
        (0.05, 3.3),
        (0.09, 3.36),
        (0.09, 3.42),
        (0.0, 3.42),
    ]
    b.add(lathe(profile, 10), palette.DARK_STEEL, _POLE)
    b.add(lathe([(0.10, 3.42), (0.19, 3.85), (0.0, 3.85)], 6), palette.LAMP_GLASS, _POLE)
    b.add(lathe([(0.0, 3.85), (0.25, 3.85), (0.05, 4.08), (0.0, 4.15)], 6), palette.DARK_STEEL, _POLE)
    return b.parts()


def bollard() -> tuple[TaggedPart, ...]:
    """A 0.95 m steel bollard with a white band."""
    b = Builder()
    b.add(lathe([(0.0, 0.0), (0.075, 0.0), (0.075, 0.72)], 10), palette.DARK_STEEL, _POLE)
    b.add(lathe([(0.075, 0.72), (0.079, 0.72), (0.079, 0.82), (0.075, 0.82)], 10), palette.WHITE_STEEL, _POLE)
    b.add(lathe([(0.075, 0.82), (0.075, 0.88), (0.05, 0.94), (0.0, 0.95)], 10), palette.DARK_STEEL, _POLE)
    return b.parts()


def bench() -> tuple[TaggedPart, ...]:
    """A 1.8 m slatted bench; one sits looking to +x."""
    b = Builder()
    slats = [solid_box((x, -0.9, 0.43), (x + 0.085, 0.9, 0.46)) for x in (-0.19, -0.09, 0.01, 0.11)]
    slats += [
        solid_box((-0.27 - k * 0.03, -0.9, 0.53 + k * 0.12), (-0.24 - k * 0.03, 0.9, 0.63 + k * 0.12)) for k in range(3)
    ]
    b.add(joined(slats), palette.TIMBER, _STATIC)
    for y in (-0.75, 0.70):
        legs = [
            solid_box((-0.20, y, 0.0), (-0.15, y + 0.05, 0.43)),
            solid_box((0.14, y, 0.0), (0.19, y + 0.05, 0.43)),
            solid_box((-0.24, y, 0.39), (0.20, y + 0.05, 0.43)),
            solid_box((-0.30, y, 0.39), (-0.26, y + 0.05, 0.86)),
        ]
        b.add(joined(legs), palette.DARK_STEEL, _STATIC)
    return b.parts()


def litter_bin() -> tuple[TaggedPart, ...]:
    """A round 0.95 m litter bin."""
    b = Builder()
    b.add(lathe([(0.0, 0.0), (0.20, 0.0), (0.25, 0.06), (0.26, 0.74), (0.24, 0.74)], 14), palette.GREEN_STEEL, _STATIC)
    b.add(lathe([(0.24, 0.74), (0.20, 0.74), (0.20, 0.84)], 14), palette.DARK_STEEL, _STATIC)
    b.add(lathe([(0.20, 0.84), (0.28, 0.84), (0.27, 0.88), (0.10, 0.95), (0.0, 0.95)], 14), palette.DARK_STEEL, _STATIC)
    return b.parts()


def wheelie_bin() -> tuple[TaggedPart, ...]:
    """A 1.05 m household bin on wheels."""
    b = Builder()
    body = solid_box((-0.25, -0.26, 0.06), (0.25, 0.26, 0.95))
    shape = body.vertices.copy()
    narrow = 0.72 + 0.28 * (shape[:, 2] - 0.06) / 0.89
    shape[:, 0] *= narrow
    shape[:, 1] *= narrow
    b.add(Solid(shape, body.faces, body.uv), palette.DARK_STEEL, _STATIC)
    b.add(solid_box((-0.29, -0.28, 0.95), (0.29, 0.28, 1.02)), palette.BLUE_STEEL, _STATIC)
    for y in (-0.24, 0.24):
        wheel = solid_tube(np.array([[-0.2, y - 0.03, 0.1], [-0.2, y + 0.03, 0.1]]), np.array([0.1, 0.1]), 10)
        b.add(wheel, palette.tint("tyre", "rubber", (0.08, 0.08, 0.08)), _STATIC)
    return b.parts()


def hydrant() -> tuple[TaggedPart, ...]:
    """A 0.8 m pillar hydrant."""
    b = Builder()
    profile = [(0.0, 0.0), (0.17, 0.0), (0.17, 0.06), (0.10, 0.08), (0.10, 0.52), (0.14, 0.53), (0.14, 0.58)]
    profile += [(0.11, 0.60), (0.09, 0.70), (0.03, 0.75), (0.03, 0.80), (0.0, 0.80)]
    b.add(lathe(profile, 12), palette.RED_STEEL, _STATIC)
    arms = solid_tube(np.array([[0.0, -0.19, 0.44], [0.0, 0.19, 0.44]]), np.array([0.055, 0.055]), 8)
    nose = solid_tube(np.array([[0.0, 0.0, 0.36], [0.18, 0.0, 0.36]]), np.array([0.07, 0.07]), 8)
    b.add(joined([arms, nose]), palette.RED_STEEL, _STATIC)
    return b.parts()


def post_box() -> tuple[TaggedPart, ...]:
    """A 1.35 m pillar with a letter box."""
    b = Builder()
    b.add(solid_box((-0.18, -0.22, 0.08), (0.18, 0.22, 1.25)), palette.YELLOW_STEEL, _STATIC)
    b.add(solid_box((-0.20, -0.24, 1.25), (0.22, 0.24, 1.31)), palette.YELLOW_STEEL, _STATIC)
    b.add(solid_box((-0.14, -0.18, 0.0), (0.14, 0.18, 0.08)), palette.DARK_STEEL, _STATIC)
    b.add(solid_box((0.17, -0.14, 1.05), (0.19, 0.14, 1.09)), palette.DARK_STEEL, _STATIC)
    b.add(solid_box((0.175, -0.12, 0.62), (0.186, 0.12, 0.90)), palette.WHITE_STEEL, _STATIC)
    return b.parts()


def cabinet() -> tuple[TaggedPart, ...]:
    """A grey switch cabinet."""
    b = Builder()
    b.add(solid_box((-0.20, -0.55, 0.0), (0.20, 0.55, 0.12)), palette.CONCRETE, _STATIC)
    b.add(solid_box((-0.17, -0.52, 0.12), (0.17, 0.52, 1.22)), palette.GREY_STEEL, _STATIC)
    b.add(solid_box((-0.20, -0.55, 1.22), (0.21, 0.55, 1.27)), palette.GREY_STEEL, _STATIC)
    doors = [solid_box((0.17, y0, 0.2), (0.18, y0 + 0.48, 1.16)) for y0 in (-0.5, 0.02)]
    b.add(joined(doors), palette.GREY_STEEL, _STATIC)
    return b.parts()


def bus_shelter() -> tuple[TaggedPart, ...]:
    """A 4 m glazed bus shelter, open to +x, with a bench and a flag post."""
    b = Builder()
    posts = [solid_box((x, y, 0.0), (x + 0.08, y + 0.08, 2.4)) for x in (-0.7, 0.5) for y in (-2.0, 1.92)]
    posts += [solid_box((-0.7, y, 0.0), (-0.62, y + 0.06, 2.4)) for y in (-0.68, 0.66)]
    b.add(joined(posts), palette.GREY_STEEL, _STATIC)
    b.add(solid_box((-0.85, -2.15, 2.4), (0.85, 2.15, 2.52)), palette.GREY_STEEL, _STATIC)
    panes = [solid_box((-0.67, y, 0.25), (-0.655, y + 1.22, 2.2)) for y in (-1.92, -0.61, 0.72)]
    panes += [solid_box((-0.62, y, 0.25), (0.5, y + 0.015, 2.2)) for y in (-1.97, 1.96)]
    b.add(joined(panes), palette.CLEAR_GLASS, _STATIC)
    b.add(solid_box((-0.55, -1.4, 0.44), (-0.2, 1.0, 0.50)), palette.TIMBER, _STATIC)
    feet = [solid_box((-0.42, y, 0.0), (-0.34, y + 0.06, 0.44)) for y in (-1.2, 0.74)]
    b.add(joined(feet), palette.GREY_STEEL, _STATIC)
    b.add(pole(2.9, 0.04, 0.04).moved(_shift(0.75, 2.5)), palette.GREY_STEEL, TAG["Poles"])
    b.add(solid_box((0.73, 2.5, 2.35), (0.77, 2.95, 2.85)), palette.YELLOW_STEEL, TAG["TrafficSigns"])
    return b.parts()


def planter() -> tuple[TaggedPart, ...]:
    """A concrete plant box with soil."""
    b = Builder()
    b.add(solid_box((-0.45, -0.45, 0.0), (0.45, 0.45, 0.55)), palette.CONCRETE, _STATIC)
    b.add(solid_box((-0.38, -0.38, 0.55), (0.38, 0.38, 0.565)), palette.SOIL, _STATIC)
    return b.parts()


def _shift(x: float, y: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    pose = np.eye(4)
    pose[:2, 3] = x, y
    return pose


FURNITURE: Final[dict[str, Callable[[], tuple[TaggedPart, ...]]]] = {
    "street_lamp": street_lamp,
    "park_lamp": park_lamp,
    "bollard": bollard,
    "bench": bench,
    "litter_bin": litter_bin,
    "wheelie_bin": wheelie_bin,
    "hydrant": hydrant,
    "post_box": post_box,
    "cabinet": cabinet,
    "bus_shelter": bus_shelter,
    "planter": planter,
}

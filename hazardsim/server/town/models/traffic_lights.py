"""Traffic lights on posts and arms; they look to +x, that is towards the traffic they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material, TaggedPart
from hazardsim.mesh.solid import Solid, lathe, pole, solid_box, solid_tube
from hazardsim.server.town import palette
from hazardsim.server.town.models.signs import plate, regular_outline
from hazardsim.taxonomy import TAG

_POLE, _LIGHT = TAG["Poles"], TAG["TrafficLight"]


def _head(lit: int, colour: tuple[float, float, float]) -> list[tuple[Solid, Material]]:
    """A three-lamp head about the origin, 0.9 m tall, looking to +x; lamp `lit` (0 red .. 2 green) glows."""
    out: list[tuple[Solid, Material]] = [(solid_box((-0.10, -0.15, -0.45), (0.10, 0.15, 0.45)), palette.DARK_STEEL)]
    out.append((solid_box((-0.112, -0.28, -0.56), (-0.10, 0.28, 0.56)), palette.DARK_STEEL))
    for k, dark in enumerate(((0.22, 0.03, 0.03), (0.22, 0.16, 0.03), (0.03, 0.18, 0.08))):
        glow = tuple(2.2 * c for c in colour) if k == lit else None
        lens = Material(
            f"lens_{k}_{'on' if glow else 'off'}",
            colour if glow else dark,
            roughness=0.3,
            emission=(glow[0], glow[1], glow[2]) if glow else None,
        )
        spot = regular_outline(16, 0.105) + np.array([0.0, 0.29 - 0.29 * k])
        out.append((plate(spot, 0.108, 0.0), lens))
        hood = np.linspace(-0.15 * np.pi, 1.15 * np.pi, 9)
        rim = np.stack([np.cos(hood), np.sin(hood)], axis=1) * 0.125 + np.array([0.0, 0.29 - 0.29 * k])
        inner = np.column_stack([np.full(9, 0.10), rim])
        outer = np.column_stack([np.full(9, 0.27), rim])
        strip = np.stack([inner[:-1], inner[1:], outer[1:], outer[:-1]], axis=1)
        both = np.concatenate([strip, strip[:, ::-1]])
        faces = (np.arange(len(both))[:, None, None] * 4 + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
        out.append((Solid(both.reshape(-1, 3), faces, np.zeros((len(both) * 4, 2))), palette.DARK_STEEL))
    return out


_GREEN: Final = (0.10, 0.85, 0.40)
_RED_GLOW: Final = (0.95, 0.10, 0.06)


def _traffic_light(reach_m: float, is_green: bool) -> tuple[TaggedPart, ...]:
    b = Builder()
    lamp = _head(2, _GREEN) if is_green else _head(0, _RED_GLOW)
    b.add(
        lathe([(0.0, 0.0), (0.20, 0.0), (0.20, 0.06), (0.11, 0.10), (0.11, 0.9), (0.08, 0.95)], 10),
        palette.GREY_STEEL,
        _POLE,
    )
    top = 6.0 if reach_m > 0 else 3.3
    b.add(pole(top, 0.08, 0.06, base=0.95), palette.GREY_STEEL, _POLE)
    places = [(0.16, 0.0, 2.75)]
    if reach_m > 0:
        # +x looks at the driver, whose left is -y here: the arm reaches over the lanes.
        arm = np.array([[0, 0, 5.6], [0, -0.8, 5.75], [0, -reach_m, 5.85]])
        b.add(solid_tube(arm, np.array([0.06, 0.05, 0.04]), 8), palette.GREY_STEEL, _POLE)
        places += [(0.12, 0.25 - reach_m, 5.55)]
        if reach_m > 5.0:
            places += [(0.12, 3.5 - reach_m, 5.5)]
    for place in places:
        pose = np.eye(4)
        pose[:3, 3] = place
        for solid, material in lamp:
            b.add(solid.moved(pose), material, _LIGHT)
    return b.parts()


TRAFFIC_LIGHTS: Final[dict[str, Callable[[], tuple[TaggedPart, ...]]]] = {
    "light_post_red": lambda: _traffic_light(0.0, is_green=False),
    "light_post_green": lambda: _traffic_light(0.0, is_green=True),
    "light_arm_red": lambda: _traffic_light(4.5, is_green=False),
    "light_arm_green": lambda: _traffic_light(4.5, is_green=True),
    "light_long_red": lambda: _traffic_light(8.0, is_green=False),
    "light_long_green": lambda: _traffic_light(8.0, is_green=True),
}

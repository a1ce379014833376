"""Traffic signs; plates look to +x, that is towards the traffic they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material, TaggedPart
from hazardsim.mesh.solid import Floats, Solid, joined, pole
from hazardsim.server.town import palette
from hazardsim.taxonomy import TAG

_PLATE, _POLE = TAG["TrafficSigns"], TAG["Poles"]
_MID_M, _SIZE_M = 2.45, 0.35
_BLACK: Final = palette.tint("sign", "painted_metal", (0.05, 0.05, 0.05), 0.5)
_WHITE: Final = palette.tint("sign", "painted_metal", (0.92, 0.92, 0.90), 0.5)
_RED: Final = palette.tint("sign", "painted_metal", (0.75, 0.06, 0.07), 0.5)
_BLUE: Final = palette.tint("sign", "painted_metal", (0.04, 0.24, 0.60), 0.5)
_YELLOW: Final = palette.tint("sign", "painted_metal", (0.95, 0.74, 0.06), 0.5)
_BACK: Final = palette.GREY_STEEL

# Segments of the digits on a 3 x 5 grid, row by row from the top.
_DIGITS: Final = {
    "0": "111101101101111",
    "1": "010110010010111",
    "2": "111001111100111",
    "3": "111001111001111",
    "4": "101101111001001",
    "5": "111100111001111",
    "6": "111100111101111",
    "7": "111001010010010",
    "8": "111101111101111",
    "9": "111101111001111",
}
# Four letters, so that the octagon reads as it should.
_LETTERS: Final = {"S": "111100111001111", "T": "111010010010010", "O": "111101101101111", "P": "111101111100100"}


def plate(outline: Floats, depth: float, mid: float = _MID_M) -> Solid:
    """A convex plate [N,2] (y, z about its middle, counter-clockwise seen from +x) at x = depth."""
    count = len(outline)
    points = np.column_stack([np.full(count, depth), outline[:, 0], outline[:, 1] + mid])
    return Solid(points, np.array([[0, k, k + 1] for k in range(1, count - 1)]), outline)


def regular_outline(count: int, radius: float, turn: float = 0.0) -> Floats:
    """The corners [N,2] of a regular polygon; its first corner lies at `turn` radians from +y."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + turn
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius


def _square(half_y: float, half_z: float) -> Floats:
    return np.array([[-half_y, -half_z], [half_y, -half_z], [half_y, half_z], [-half_y, half_z]])


def _pixels(text: str, height: float, table: dict[str, str], mid: float = _MID_M) -> Solid:
    cell = height / 5
    wide = (4 * len(text) - 1) * cell
    tiles = []
    for k, letter in enumerate(text):
        for i, bit in enumerate(table[letter]):
            if bit == "1":
                # seen from +x the reader's right is +y
                y = -wide / 2 + (4 * k + i % 3) * cell
                z = height / 2 - (i // 3 + 1) * cell
                corner = np.array([[y, z], [y + cell, z], [y + cell, z + cell], [y, z + cell]])
                tiles.append(plate(corner, 0.046, mid))
    return joined(tiles)


def _signpost(layers: list[tuple[Floats, Material]], extra: list[tuple[Solid, Material]]) -> tuple[TaggedPart, ...]:
    b = Builder()
    b.add(pole(_MID_M + _SIZE_M + 0.05, 0.032, 0.032), palette.GREY_STEEL, _POLE)
    rim = layers[0][0]
    b.add(plate(rim[::-1], 0.034), _BACK, _PLATE)
    b.add(_edge(rim, 0.034, 0.040), _BACK, _PLATE)
    for k, (outline, material) in enumerate(layers):
        b.add(plate(outline, 0.040 + 0.002 * k), material, _PLATE)
    for solid, material in extra:
        b.add(solid, material, _PLATE)
    return b.parts()


def _edge(outline: Floats, back: float, front: float) -> Solid:
    nxt = np.roll(outline, -1, axis=0)
    up = np.array([0.0, _MID_M])
    parts = [
        np.column_stack([np.full(len(p), x), p + up])
        for p, x in ((outline, back), (nxt, back), (nxt, front), (outline, front))
    ]
    corners = np.stack(parts, axis=1)
    count = len(corners)
    faces = (np.arange(count)[:, None, None] * 4 + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return Solid(corners.reshape(-1, 3), faces, np.zeros((count * 4, 2)))


def speed_limit(number: str) -> tuple[TaggedPart, ...]:
    """A round plate, red ring, with the number."""
    disc = regular_outline(28, _SIZE_M)
    return _signpost([(disc, _RED), (disc * 0.78, _WHITE)], [(_pixels(number, 0.24, _DIGITS), _BLACK)])


def no_entry() -> tuple[TaggedPart, ...]:
    """A red disc with a white bar."""
    return _signpost([(regular_outline(28, _SIZE_M), _RED), (_square(0.25, 0.06), _WHITE)], [])


def give_way() -> tuple[TaggedPart, ...]:
    """A triangle that stands on its tip."""
    tri = regular_outline(3, 0.48, -np.pi / 2)
    return _signpost([(tri, _RED), (tri * 0.68, _WHITE)], [])


def warning() -> tuple[TaggedPart, ...]:
    """A triangle with an exclamation mark."""
    tri = regular_outline(3, 0.48, np.pi / 2)
    mark = [
        plate(_square(0.022, 0.075) + np.array([0.0, 0.05]), 0.046),
        plate(_square(0.022, 0.02) - np.array([0.0, 0.075]), 0.046),
    ]
    return _signpost([(tri, _RED), (tri * 0.68, _WHITE)], [(joined(mark), _BLACK)])


def stop() -> tuple[TaggedPart, ...]:
    """A red octagon that reads STOP."""
    octagon = regular_outline(8, 0.40, np.pi / 8)
    return _signpost([(octagon, _WHITE), (octagon * 0.94, _RED)], [(_pixels("STOP", 0.19, _LETTERS), _WHITE)])


def priority() -> tuple[TaggedPart, ...]:
    """A yellow square on its tip: priority road."""
    diamond = regular_outline(4, 0.42)
    return _signpost([(diamond, _WHITE), (diamond * 0.72, _YELLOW)], [])


def crossing() -> tuple[TaggedPart, ...]:
    """A blue square with a white triangle: pedestrian crossing."""
    tri = regular_outline(3, 0.30, np.pi / 2) - np.array([0.0, 0.05])
    figure = [
        plate(_square(0.025, 0.10) - np.array([0.0, 0.06]), 0.046),
        plate(regular_outline(8, 0.035) + np.array([0.0, 0.08]), 0.046),
    ]
    return _signpost([(_square(0.33, 0.33), _BLUE), (tri, _WHITE)], [(joined(figure), _BLACK)])


def parking() -> tuple[TaggedPart, ...]:
    """A blue square with a P."""
    return _signpost([(_square(0.30, 0.30), _BLUE)], [(_pixels("P", 0.36, _LETTERS), _WHITE)])


SIGNS: Final[dict[str, Callable[[], tuple[TaggedPart, ...]]]] = {
    "sign_stop": stop,
    "sign_give_way": give_way,
    "sign_priority": priority,
    "sign_warning": warning,
    "sign_no_entry": no_entry,
    "sign_crossing": crossing,
    "sign_parking": parking,
    "sign_speed_30": lambda: speed_limit("30"),
    "sign_speed_50": lambda: speed_limit("50"),
    "sign_speed_60": lambda: speed_limit("60"),
    "sign_speed_70": lambda: speed_limit("70"),
    "sign_speed_90": lambda: speed_limit("90"),
}

"""Wheels of cars, lorries and two-wheelers, about the origin with their axle along y."""

from __future__ import annotations

import math

import numpy as np

from hazardsim.mesh.assemble import part
from hazardsim.mesh.materials import ALLOY, SHADOW, STEEL, TYRE
from hazardsim.mesh.model import Part
from hazardsim.mesh.shape import Shape, bar, cylinder, joined, loft, revolve, torus

Pieces = dict[str, list[Shape]]


def road_wheel(radius: float, width: float, spokes: int, rim: float = 0.66) -> Pieces:
    """A wheel whose outer side faces +y: shapes by their material, 'tyre', 'rim', 'well', 'hub'."""
    half, edge = width / 2, rim * radius
    shoulder = 0.16 * radius
    t = np.linspace(0.0, math.pi / 2, 5)
    outer = np.stack([radius - shoulder + shoulder * np.sin(t), half - shoulder * (1 - np.cos(t))], 1)
    profile = [(edge, -half * 0.9), *[(r, -z) for r, z in outer], *outer[::-1], (edge, half * 0.9)]
    tyre = revolve([*profile, (edge, -half * 0.9)], 36)
    lip = revolve(
        [(edge, half * 0.55), (edge * 1.02, half * 0.93), (edge * 0.94, half * 0.95), (edge * 0.9, half * 0.5)], 36
    )
    well = cylinder(edge * 0.98, half * 0.45, 28)
    face = [lip, cylinder(edge * 0.2, half * 0.86, 20, 0.01)]
    for k in range(spokes):
        angle = 2 * math.pi * k / spokes
        c, s = math.cos(angle), math.sin(angle)
        rings = []
        for reach, wide, low, high in ((0.1, 0.17, 0.5, 0.84), (0.93, 0.11, 0.5, 0.78)):
            r, w = edge * reach, edge * wide
            section = [(-w, low), (w, low), (w * 0.7, high), (-w * 0.7, high)]
            rings.append([(c * r - s * y, s * r + c * y, z * half) for y, z in section])
        face.append(loft(np.array(rings)[:, ::-1] if _turns_in(rings) else np.array(rings)))
    hub = cylinder(edge * 0.09, half * 0.9, 16)
    pieces = {"tyre": [tyre], "rim": face, "well": [well], "hub": [hub]}
    return {name: [_on_axle(s) for s in shapes] for name, shapes in pieces.items()}


def _turns_in(rings: list[list[tuple[float, float, float]]]) -> bool:
    first, last = np.array(rings[0]), np.array(rings[-1])
    normal = np.cross(first[1] - first[0], first[2] - first[1])
    return bool(normal @ (last.mean(axis=0) - first.mean(axis=0)) < 0)


def _on_axle(shape: Shape) -> Shape:
    """Turn the z axis onto +y."""
    return shape.turned("x", -90.0)


def disc_wheel(radius: float, width: float) -> Pieces:
    """A lorry's wheel: a dished steel disc with its nuts; outer side towards +y."""
    base = road_wheel(radius, width, 0, rim=0.6)
    edge, half = 0.6 * radius, width / 2
    dish = revolve(
        [
            (edge, half * 0.6),
            (edge * 0.75, half * 0.35),
            (edge * 0.5, half * 0.75),
            (edge * 0.3, half * 0.8),
            (0, half * 0.8),
        ],
        30,
    )
    nuts = [
        cylinder(0.018, 0.03, 8).moved(edge * 0.4 * math.cos(a), edge * 0.4 * math.sin(a), half * 0.78)
        for a in np.arange(10) * (math.pi / 5)
    ]
    base["rim"] = [*base["rim"], _on_axle(joined([dish, *nuts]))]
    return base


def wheel_parts(pieces: Pieces, places: list[tuple[float, float, float]]) -> list[Part]:
    """The wheel at each (x, y, z) of its centre; where y is negative its outer side faces -y."""
    materials = {"tyre": TYRE, "rim": ALLOY, "well": SHADOW, "hub": STEEL}
    parts = []
    for name, shapes in pieces.items():
        whole = joined(shapes)
        copies = [(whole if y > 0 else whole.mirrored()).moved(x, y, z) for x, y, z in places]
        parts.append(part(copies, materials[name]))
    return parts


def spoked_wheel(radius: float, tyre: float, spokes: int) -> Pieces:
    """A bicycle's wheel."""
    rings = [torus(radius - tyre, tyre, 44, 8)]
    rim = [torus(radius - 2.2 * tyre, 0.55 * tyre, 44, 6)]
    hub = cylinder(0.02, 0.08, 12).moved(z=-0.04)
    wires = []
    for k in range(spokes):
        a = 2 * math.pi * k / spokes
        side = 0.03 if k % 2 else -0.03
        reach = radius - 2.4 * tyre
        wires.append(
            bar(
                (0.02 * math.cos(a), 0.02 * math.sin(a), side), (reach * math.cos(a), reach * math.sin(a), 0), 0.0018, 5
            )
        )
    pieces = {"tyre": rings, "rim": rim, "hub": [hub, *wires]}
    return {name: [_on_axle(s) for s in shapes] for name, shapes in pieces.items()}

"""Roofs: flat with parapet and cornice, or gabled or hipped on a rectangle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.outline import cap, fitted_box, polygons, skirt
from hazardsim.mesh.solid import Floats, Solid, joined, planar_quads, solid_box
from hazardsim.server.town import palette
from hazardsim.server.town.buildings.style import BuildingStyle
from hazardsim.taxonomy import TAG

_TAG = TAG["Buildings"]
_PARAPET_M = 0.75
_OVERHANG_M, _THICK_M = 0.45, 0.16
_LARGEST_PITCHED_M2 = 900.0


def is_pitched(footprint: shapely.Polygon, style: BuildingStyle) -> bool:
    """Whether the roof is gabled or hipped: the style says so, and the footprint is a rectangle and not too large."""
    is_rectangle = not footprint.interiors and footprint.area > 0.93 * fitted_box(footprint).area
    return style.roof != "flat" and bool(is_rectangle) and footprint.area < _LARGEST_PITCHED_M2


def add_roof(
    builder: Builder,
    footprint: shapely.Polygon,
    style: BuildingStyle,
    top: float,
    object_id: int,
    rng: np.random.Generator,
) -> None:
    """Add the roof of a building whose walls end at height `top`; a courtyard stays open."""
    if is_pitched(footprint, style):
        _pitched(builder, fitted_box(footprint), style, top, object_id, rng)
    else:
        _flat(builder, footprint, style, top, object_id, rng)


def add_band(
    builder: Builder,
    footprint: shapely.Polygon,
    z: float,
    height: float,
    reach: float,
    style: BuildingStyle,
    object_id: int,
) -> None:
    """Add a band of trim along all walls, from height `z`, that stands out by `reach`."""
    outer = footprint.buffer(reach, join_style="mitre")
    ring = outer.difference(footprint)
    solids = [cap(ring, z + height), cap(ring, z, down=True), skirt(outer, z, z + height)]
    builder.add(joined(solids), style.trim, _TAG, object_id)


def _flat(
    builder: Builder,
    footprint: shapely.Polygon,
    style: BuildingStyle,
    top: float,
    object_id: int,
    rng: np.random.Generator,
) -> None:
    crown = top + _PARAPET_M
    inner = footprint.buffer(-0.28, join_style="mitre")
    builder.add(skirt(footprint, top, crown), style.wall, _TAG, object_id)
    coping = footprint.buffer(0.05, join_style="mitre")
    rim = coping.difference(inner)
    edge = [
        cap(rim, crown + 0.06),
        cap(coping.difference(footprint), crown, down=True),
        skirt(coping, crown, crown + 0.06),
    ]
    builder.add(joined(edge), style.trim, _TAG, object_id)
    lining = [skirt(p, top, crown + 0.06, outward=False) for p in polygons(inner)]
    if lining:
        builder.add(joined(lining), style.wall, _TAG, object_id)
    builder.add(cap(footprint, top + 0.02), palette.GRAVEL, _TAG, object_id)
    if style.has_cornice:
        add_band(builder, footprint, top - 0.05, 0.12, 0.14, style, object_id)
        add_band(builder, footprint, top + 0.07, 0.16, 0.28, style, object_id)
    core = footprint.buffer(-2.2)
    for place in polygons(core):
        for _ in range(int(rng.integers(0, 3))):
            x, y = np.array(place.representative_point().coords)[0] + rng.uniform(-1.2, 1.2, 2)
            if place.contains(shapely.Point(x, y)):
                w, d, h = rng.uniform(0.4, 1.0), rng.uniform(0.4, 1.0), rng.uniform(0.7, 1.6)
                unit = solid_box((x - w, y - d, top), (x + w, y + d, top + h))
                builder.add(unit, palette.GREY_STEEL, _TAG, object_id)


def _pitched(
    builder: Builder,
    rectangle: shapely.Polygon,
    style: BuildingStyle,
    top: float,
    object_id: int,
    rng: np.random.Generator,
) -> None:
    """A gabled or hipped roof on a rectangle."""
    frame = _Frame.of(rectangle, top)
    a, b = frame.half_m
    rise = min(math.tan(math.radians(style.pitch_deg)) * b, 4.5)
    is_gabled = style.roof == "gabled"
    inset = b if a > b * 1.05 else a * 0.98
    ridge = a + _OVERHANG_M if is_gabled else max(a - inset, 0.02)
    shell = _shell(frame, rise, ridge, is_gabled)
    upper = [[(x, y, z + _THICK_M) for x, y, z in q] for q in shell]
    builder.add(planar_quads(frame.world(upper)), style.roofing, _TAG, object_id)
    builder.add(planar_quads(frame.world([q[::-1] for q in shell])), style.trim, _TAG, object_id)
    builder.add(planar_quads(frame.world(_eaves(frame, rise, is_gabled))), style.trim, _TAG, object_id)
    if is_gabled:
        for sign in (1.0, -1.0):
            points = frame.world([[(sign * a, -b * sign, 0.0), (sign * a, b * sign, 0.0), (sign * a, 0.0, rise)]])[0]
            uv = np.array([[0.0, style.eaves_m], [2 * b, style.eaves_m], [b, style.eaves_m + rise]])
            builder.add(Solid(points, np.array([[0, 1, 2]]), uv), style.wall, _TAG, object_id)
    if rng.random() < 0.7:
        x = float(rng.uniform(-0.5, 0.5)) * a
        y = float(rng.choice([-0.35, 0.35])) * b
        chimney = solid_box((x - 0.3, y - 0.25, rise * 0.4), (x + 0.3, y + 0.25, rise + 0.9))
        wall = palette.tint("wall", *palette.WALLS["brick"][0])
        builder.add(chimney.moved(frame.pose), wall, _TAG, object_id)


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """The axes of a pitched roof: x along the ridge, z = 0 at the top of the walls; half sizes of the rectangle."""

    pose: Floats
    half_m: tuple[float, float]

    @classmethod
    def of(cls, rectangle: shapely.Polygon, top: float) -> _Frame:
        ring = np.array(rectangle.exterior.coords)[:4, :2]
        if not shapely.is_ccw(rectangle.exterior):
            ring = ring[::-1]
        if np.linalg.norm(ring[1] - ring[0]) < np.linalg.norm(ring[2] - ring[1]):
            ring = np.roll(ring, -1, axis=0)
        long, wide = float(np.linalg.norm(ring[1] - ring[0])), float(np.linalg.norm(ring[2] - ring[1]))
        x_axis = (ring[1] - ring[0]) / np.linalg.norm(ring[1] - ring[0])
        pose = np.eye(4)
        pose[:2, 0], pose[:2, 1], pose[:3, 3] = x_axis, (-x_axis[1], x_axis[0]), (*ring.mean(axis=0), top)
        return cls(pose, (long / 2, wide / 2))

    def world(self, points: list[list[tuple[float, float, float]]]) -> Floats:
        """Points [Q,K,3] in world axes."""
        table = np.array(points)
        flat = self.pose[:2, 3] + table[..., :1] * self.pose[:2, 0] + table[..., 1:2] * self.pose[:2, 1]
        return np.concatenate([flat, table[..., 2:] + self.pose[2, 3]], axis=2)


def _shell(frame: _Frame, rise: float, ridge: float, is_gabled: bool) -> list[list[tuple[float, float, float]]]:
    """The slopes, two or four quads seen from above."""
    a, b = frame.half_m
    ea, eb, low = a + _OVERHANG_M, b + _OVERHANG_M, -rise / b * _OVERHANG_M
    slopes: list[list[tuple[float, float, float]]] = [
        [(-ea, -eb, low), (ea, -eb, low), (ridge, 0, rise), (-ridge, 0, rise)],
        [(ea, eb, low), (-ea, eb, low), (-ridge, 0, rise), (ridge, 0, rise)],
    ]
    if not is_gabled:
        slopes.append([(ea, -eb, low), (ea, eb, low), (ridge, 0.01, rise), (ridge, -0.01, rise)])
        slopes.append([(-ea, eb, low), (-ea, -eb, low), (-ridge, -0.01, rise), (-ridge, 0.01, rise)])
    return slopes


def _eaves(frame: _Frame, rise: float, is_gabled: bool) -> list[list[tuple[float, float, float]]]:
    """The outer edge of the slopes, as quads that face out; at gables it follows them."""
    a, b = frame.half_m
    slope = rise / b
    ea, eb, low = a + _OVERHANG_M, b + _OVERHANG_M, -slope * _OVERHANG_M
    rim = [(-ea, -eb), (ea, -eb), (ea, eb), (-ea, eb)]
    sides = []
    for k in range(4):
        (x0, y0), (x1, y1) = rim[k], rim[(k + 1) % 4]
        if not is_gabled or k % 2 == 0:
            sides.append([(x0, y0, low), (x1, y1, low), (x1, y1, low + _THICK_M), (x0, y0, low + _THICK_M)])
            continue
        x = ea if x0 > 0 else -ea
        for s0, s1 in ((y0, 0.0), (0.0, y1)):
            h0, h1 = rise - slope * abs(s0), rise - slope * abs(s1)
            sides.append([(x, s0, h0), (x, s1, h1), (x, s1, h1 + _THICK_M), (x, s0, h0 + _THICK_M)])
    return sides

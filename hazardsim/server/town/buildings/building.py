"""Buildings: walls around a footprint, cornice and parapet or a pitched roof."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.solid import (
    Builder,
    Floats,
    Solid,
    box,
    cap,
    fitted_box,
    joined,
    planar_quads,
    polygons,
    skirt,
)
from hazardsim.server.town import materials
from hazardsim.server.town.buildings.facade import Sheet, WallRole, dress_wall
from hazardsim.server.town.buildings.style import BuildingStyle
from hazardsim.taxonomy import TAG

_TAG = TAG["Buildings"]
_PARAPET_M = 0.75
_FOOTING_M = 1.0
_SEEN_M, _SEEN_LOW_M = 9.5, 15.0


def raise_building(
    builder: Builder,
    footprint: shapely.Polygon,
    style: BuildingStyle,
    object_id: int,
    ground_m: float,
    road: BaseGeometry,
    neighbours: BaseGeometry,
    rng: np.random.Generator,
) -> None:
    """Add one building. `road` decides the front, `neighbours` which walls are shared."""
    ring = np.array(shapely.normalize(footprint).exterior.coords)[:, :2]
    if not shapely.is_ccw(shapely.LinearRing(ring)):
        ring = ring[::-1]
    starts, ends = ring[:-1], ring[1:]
    lengths = np.linalg.norm(ends - starts, axis=1)
    front = _front(starts, ends, lengths, road)
    for k, length in enumerate(lengths):
        if length < 0.05:
            continue
        along = (ends[k] - starts[k]) / length
        middle = (starts[k] + ends[k]) / 2 + np.array([along[1], -along[0]]) * 0.6
        is_party = bool(shapely.intersects(neighbours, shapely.Point(middle)))
        sheet = Sheet(starts[k], along, ground_m)
        ahead = shapely.Point((starts[k] + ends[k]) / 2 + np.array([along[1], -along[0]]) * 6.0)
        is_back = k != front and not shapely.dwithin(road, ahead, _SEEN_M if style.storeys > 3 else _SEEN_LOW_M)
        dress_wall(sheet, float(length), style, WallRole(k == front, is_party, is_back), rng)
        for solid, material in sheet.solids():
            builder.add(solid, material, _TAG, object_id)
    builder.add(skirt(footprint, ground_m - _FOOTING_M, ground_m), materials.CONCRETE, _TAG, object_id)
    top = ground_m + style.eaves_m
    box_fit = fitted_box(footprint)
    is_rectangle = footprint.area > 0.93 * box_fit.area
    if style.roof != "flat" and is_rectangle and footprint.area < 900:
        _pitched(builder, box_fit, style, top, object_id, rng)
        return
    _flat(builder, footprint, style, top, object_id, rng)
    if style.has_shop or style.base is not style.wall:
        _band(builder, footprint, ground_m + style.ground_m - 0.12, 0.16, 0.07, style, object_id)


def _front(starts: Floats, ends: Floats, lengths: Floats, road: BaseGeometry) -> int:
    """The wall that looks at the nearest road."""
    best, chosen = math.inf, 0
    for k in range(len(starts)):
        if lengths[k] < 2.4:
            continue
        along = (ends[k] - starts[k]) / lengths[k]
        out = np.array([along[1], -along[0]])
        point = (starts[k] + ends[k]) / 2 + out * 2.0
        distance = float(shapely.distance(road, shapely.Point(point))) - 0.05 * float(lengths[k])
        if distance < best:
            best, chosen = distance, k
    return chosen


def _band(
    builder: Builder,
    footprint: shapely.Polygon,
    z: float,
    height: float,
    reach: float,
    style: BuildingStyle,
    object_id: int,
) -> None:
    outer = footprint.buffer(reach, join_style="mitre")
    ring = outer.difference(footprint)
    solids = [cap(ring, z + height), cap(ring, z, down=True), skirt(shapely.Polygon(outer.exterior), z, z + height)]
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
    builder.add(cap(footprint, top + 0.02), materials.GRAVEL, _TAG, object_id)
    if style.has_cornice:
        _band(builder, footprint, top - 0.05, 0.12, 0.14, style, object_id)
        _band(builder, footprint, top + 0.07, 0.16, 0.28, style, object_id)
    core = footprint.buffer(-2.2)
    for place in polygons(core):
        for _ in range(int(rng.integers(0, 3))):
            x, y = np.array(place.representative_point().coords)[0] + rng.uniform(-1.2, 1.2, 2)
            if place.contains(shapely.Point(x, y)):
                w, d, h = rng.uniform(0.4, 1.0), rng.uniform(0.4, 1.0), rng.uniform(0.7, 1.6)
                unit = box((x - w, y - d, top), (x + w, y + d, top + h))
                builder.add(unit, materials.GREY_STEEL, _TAG, object_id)


def _pitched(
    builder: Builder,
    rectangle: shapely.Polygon,
    style: BuildingStyle,
    top: float,
    object_id: int,
    rng: np.random.Generator,
) -> None:
    """A gabled or hipped roof on a rectangle."""
    ring = np.array(rectangle.exterior.coords)[:4, :2]
    if not shapely.is_ccw(rectangle.exterior):
        ring = ring[::-1]
    if np.linalg.norm(ring[1] - ring[0]) < np.linalg.norm(ring[2] - ring[1]):
        ring = np.roll(ring, -1, axis=0)
    origin = ring.mean(axis=0)
    x_axis = (ring[1] - ring[0]) / np.linalg.norm(ring[1] - ring[0])
    y_axis = np.array([-x_axis[1], x_axis[0]])
    a = float(np.linalg.norm(ring[1] - ring[0])) / 2
    b = float(np.linalg.norm(ring[2] - ring[1])) / 2
    rise = min(math.tan(math.radians(style.pitch_deg)) * b, 4.5)
    over, thick = 0.45, 0.16
    slope = rise / b
    inset = b if style.roof == "hipped" and a > b * 1.05 else (a * 0.98 if style.roof == "hipped" else -over)
    ea, eb, low = a + over, b + over, -slope * over

    def world(points: list[list[tuple[float, float, float]]]) -> Floats:
        table = np.array(points)
        flat = origin + table[..., :1] * x_axis + table[..., 1:2] * y_axis
        return np.concatenate([flat, table[..., 2:] + top], axis=2)

    ridge = max(a - inset, 0.02)
    shell: list[list[tuple[float, float, float]]] = []
    if style.roof == "gabled":
        ridge = ea
    shell.append([(-ea, -eb, low), (ea, -eb, low), (ridge, 0, rise), (-ridge, 0, rise)])
    shell.append([(ea, eb, low), (-ea, eb, low), (-ridge, 0, rise), (ridge, 0, rise)])
    if style.roof == "hipped":
        shell.append([(ea, -eb, low), (ea, eb, low), (ridge, 0.01, rise), (ridge, -0.01, rise)])
        shell.append([(-ea, eb, low), (-ea, -eb, low), (-ridge, -0.01, rise), (-ridge, 0.01, rise)])
    upper = [[(x, y, z + thick) for x, y, z in q] for q in shell]
    builder.add(planar_quads(world(upper)), style.roofing, _TAG, object_id)
    builder.add(planar_quads(world([q[::-1] for q in shell])), style.trim, _TAG, object_id)
    rim = [(-ea, -eb), (ea, -eb), (ea, eb), (-ea, eb)]
    sides = []
    for k in range(4):
        (x0, y0), (x1, y1) = rim[k], rim[(k + 1) % 4]
        if style.roof == "gabled" and k % 2:
            sign = 1.0 if x0 > 0 else -1.0
            for s0, s1 in ((y0, 0.0), (0.0, y1)):
                h0, h1 = (rise - slope * abs(s0), rise - slope * abs(s1))
                sides.append(
                    [(sign * ea, s0, h0), (sign * ea, s1, h1), (sign * ea, s1, h1 + thick), (sign * ea, s0, h0 + thick)]
                )
        else:
            sides.append([(x0, y0, low), (x1, y1, low), (x1, y1, low + thick), (x0, y0, low + thick)])
    builder.add(planar_quads(world(sides)), style.trim, _TAG, object_id)
    if style.roof == "gabled":
        for sign in (1.0, -1.0):
            points = world([[(sign * a, -b * sign, 0.0), (sign * a, b * sign, 0.0), (sign * a, 0.0, rise)]])[0]
            uv = np.array([[0.0, style.eaves_m], [2 * b, style.eaves_m], [b, style.eaves_m + rise]])
            builder.add(Solid(points, np.array([[0, 1, 2]]), uv), style.wall, _TAG, object_id)
    if rng.random() < 0.7:
        x = float(rng.uniform(-0.5, 0.5)) * a
        y = float(rng.choice([-0.35, 0.35])) * b
        stack = box((x - 0.3, y - 0.25, rise * 0.4), (x + 0.3, y + 0.25, rise + 0.9))
        pose = np.eye(4)
        pose[:2, 0], pose[:2, 1], pose[:3, 3] = x_axis, y_axis, (*origin, top)
        builder.add(stack.moved(pose), materials.tint("wall", *materials.WALLS["brick"][0]), _TAG, object_id)

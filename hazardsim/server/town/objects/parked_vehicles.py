"""Parked vehicles in bays, parking lanes and car parks. Driving lanes stay free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import shapely

from hazardsim.mesh.materials import Colour
from hazardsim.mesh.outline import fitted_box
from hazardsim.mesh.solid import Floats, planar_quads
from hazardsim.server.town import palette
from hazardsim.server.town.ground.areas import KERB_M
from hazardsim.server.town.ground.markings import LIFT_M
from hazardsim.server.town.ground.occupancy import Occupancy
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.polyline import Polyline
from hazardsim.server.town.objects.placement import Placement
from hazardsim.street.blueprints import VEHICLES, VehicleSpec, vehicle_model
from hazardsim.taxonomy import TAG

_PAINTS: Final = (
    (0.78, 0.79, 0.80),
    (0.10, 0.10, 0.11),
    (0.42, 0.44, 0.46),
    (0.86, 0.86, 0.84),
    (0.10, 0.17, 0.33),
    (0.48, 0.07, 0.07),
    (0.20, 0.25, 0.22),
    (0.55, 0.47, 0.36),
)
_MOST: Final = 84
_VARIANTS: Final = 10
_BAY_M: Final = (2.5, 5.0)


def place_parked_vehicles(placement: Placement, features: Sequence[Feature]) -> None:
    """Fill parking bays, parking lanes and car parks in part."""
    rng = np.random.default_rng([placement.seed, 11])
    small = [s for s in VEHICLES if s.kind == "car" or s.blueprint.endswith("sprinter")]
    variants = [
        (small[int(rng.integers(0, len(small)))], _PAINTS[int(rng.integers(0, len(_PAINTS)))]) for _ in range(_VARIANTS)
    ]
    placed, occupancy = 0, Occupancy()
    slots = list(_slots(placement, features, rng))
    for k in rng.permutation(len(slots)):
        x, y, z, turn, room = slots[int(k)]
        spec, paint = variants[int(rng.integers(0, len(variants)))]
        if placed >= _MOST or rng.random() > 0.75 or spec.size_m[0] > room:
            continue
        if _park(placement, spec, paint, np.array([x, y, z]), turn + float(rng.normal() * 0.012), occupancy):
            placed += 1


def _park(
    placement: Placement, spec: VehicleSpec, paint: Colour, place: Floats, turn: float, occupancy: Occupancy
) -> bool:
    model = vehicle_model(spec.blueprint, paint)
    if model.key not in placement.contents.models:
        placement.contents.add_model(model.key, model.tagged(spec.tag))
    shape = placement.contents.footprint(model.key, float(place[0]), float(place[1]), turn)
    if shape.intersects(placement.ground.lanes) or not occupancy.claim(shape):
        return False
    placement.contents.place_model("parked_" + spec.kind, spec.tag, model.key, place, turn)
    return True


def _slots(
    placement: Placement, features: Sequence[Feature], rng: np.random.Generator
) -> Iterator[tuple[float, float, float, float, float]]:
    """x, y, z, heading and length of every parking place."""
    driving = [s for s in placement.network.driving() if s.junction < 0]
    tree = shapely.STRtree([shapely.LineString(s.centre[:, :2]) for s in driving])
    for bay in placement.ground.bays:
        lane = driving[int(tree.nearest(bay.centroid))]
        low = float(placement.ground.samples[0, 2])
        edge = shapely.LineString(lane.edge(-1.0)[:, :2])
        ends = sorted(edge.project(shapely.Point(c)) for c in bay.exterior.coords)
        for s in np.arange(ends[0] + 4.2, ends[-1] - 3.6, 6.1):
            a, b = (np.array(edge.interpolate(v).coords)[0] for v in (s - 1, s + 1))
            ahead = (b - a) / np.linalg.norm(b - a)
            x, y = (a + b) / 2 + np.array([ahead[1], -ahead[0]]) * 1.13
            yield float(x), float(y), low, float(np.arctan2(ahead[1], ahead[0])), 5.5
    for lane in placement.network.lanes:
        wide = float(lane.width_m.mean())
        if lane.kind == "parking" and lane.junction < 0 and wide > 1.9:
            curve, heading = Polyline(lane.centre), lane.heading_rad
            for s in np.arange(4.0, curve.length_m - 3.5, 6.3):
                x, y, z = curve.at(np.array([s]))[0]
                turn = float(heading[min(int(s / curve.length_m * len(heading)), len(heading) - 1)])
                yield float(x), float(y), float(z), turn, 5.5
    for feature in features:
        if feature.tags.get("amenity") == "parking" and feature.closed and placement.ground.is_flat:
            yield from _car_park(placement, feature, rng)


def _car_park(
    placement: Placement, feature: Feature, rng: np.random.Generator
) -> Iterator[tuple[float, float, float, float, float]]:
    """Rows of bays on the long sides, with their lines."""
    area = feature.area().difference(placement.ground.built)
    if area.is_empty:
        return
    ring = np.array(fitted_box(area).exterior.coords)[:4, :2]
    if np.linalg.norm(ring[1] - ring[0]) < np.linalg.norm(ring[2] - ring[1]):
        ring = np.roll(ring, -1, axis=0)
    if not shapely.is_ccw(shapely.LinearRing(ring)):
        ring = ring[::-1]
    z = float(placement.ground.samples[0, 2]) + KERB_M
    lines = []
    for a, b in ((ring[0], ring[1]), (ring[2], ring[3])):
        long = float(np.linalg.norm(b - a))
        along = (b - a) / long
        inward = np.array([-along[1], along[0]])
        turn = float(np.arctan2(-inward[1], -inward[0]))
        count = int((long - 1.0) / _BAY_M[0])
        for k in range(count + 1):
            foot = a + along * (0.5 + k * _BAY_M[0]) + inward * 0.3
            tip = foot + inward * _BAY_M[1]
            if area.contains(shapely.LineString([foot, tip])):
                side = along * 0.05
                quad = [foot - side, foot + side, tip + side, tip - side]
                lines.append([[*q, z + LIFT_M] for q in quad])
            middle = foot + along * _BAY_M[0] / 2 + inward * 2.6
            if k < count and area.contains(shapely.Point(middle).buffer(1.2)):
                yield float(middle[0]), float(middle[1]), z, turn + (np.pi if rng.random() < 0.3 else 0.0), 5.3
    if lines:
        placement.contents.builder.add(planar_quads(np.array(lines)), palette.WHITE_PAINT, TAG["RoadLines"])

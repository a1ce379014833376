"""Buildings where the map has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from hazardsim.mesh.outline import fitted_box, polygons
from hazardsim.server.town.buildings.building import add_building
from hazardsim.server.town.buildings.style import building_style
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.network import pose_at
from hazardsim.server.town.objects.placement import Placement
from hazardsim.taxonomy import TAG

_LEAST_FOOTPRINT_M2 = 6.0


def place_buildings(placement: Placement, features: Sequence[Feature]) -> None:
    """Raise every building, cut back where its footprint would reach into the carriageway."""
    keep_off = placement.ground.road.buffer(0.4)
    shapes: list[tuple[shapely.Polygon, Feature]] = []
    for feature in features:
        if feature.tags.get("building", "no") == "no":
            continue
        cut = feature.area().difference(keep_off)
        rest = max(polygons(cut), key=lambda p: float(p.area), default=None)
        if rest is not None and rest.area > _LEAST_FOOTPRINT_M2:
            shapes += [(p, feature) for p in polygons(rest.simplify(0.05))]
    tree_of = shapely.STRtree([s for s, _ in shapes])
    shapely.prepare(placement.ground.road)
    for k, (shape, feature) in enumerate(shapes):
        near = [shapes[int(i)][0] for i in sorted(tree_of.query(shape.buffer(1.0))) if int(i) != k]
        middle = np.array(shape.centroid.coords)[0]
        rng = placement.rng_at(middle)
        style = building_style(feature, float(shape.area), rng)
        z = placement.ground.height(float(middle[0]), float(middle[1])) - 0.02
        number, others = placement.contents.next_id, shapely.union_all(near)
        add_building(placement.contents.builder, shape, style, number, z, placement.ground.road, others, rng)
        ring = np.array(fitted_box(shape).exterior.coords)[:, :2]
        side = ring[1] - ring[0]
        frame = pose_at(np.array([*ring[:4].mean(axis=0), z]), float(np.arctan2(side[1], side[0])))
        placement.contents.add_static_object("building", TAG["Buildings"], frame)

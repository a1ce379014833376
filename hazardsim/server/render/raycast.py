"""Rays without light: the label pass, and single rays that go through everything."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.arrays import Ray3f
from hazardsim.server.render.instances import Geometry
from hazardsim.server.render.labels import Labels, labels_of_hits
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.variant import native, scalar_native
from hazardsim.server.renderables import Hit

_MOST_HITS: Final = 256
_STEP_M: Final = 1e-3

_Found = tuple[NDArray[np.bool_], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]


def cast_labels(pinhole: PinholeCamera, geometry: Geometry) -> Labels:
    """One ray through the centre of each pixel."""
    shape = (pinhole.height, pinhole.width)
    count = pinhole.width * pinhole.height
    if not geometry.trees:
        none = np.zeros(shape, dtype=np.uint32)
        return labels_of_hits(pinhole, none > 0, none.astype(np.uint8), none, none.astype(np.float32))
    if not geometry.vectorised:
        directions = pinhole.directions().reshape(-1, 3)
        origins = np.broadcast_to(pinhole.matrix[:3, 3], directions.shape)
        met, face, instance, distance = _scalar_hits(geometry, origins, directions)
    else:
        dr, mi = native()

        pixel = dr.arange(mi.UInt32, count)
        met, face, instance, distance = _vectorised_hits(geometry, pinhole.rays(pixel, mi.Float(0.5), mi.Float(0.5)))
    tag, object_id = geometry.tags_and_ids(face, instance)
    return labels_of_hits(
        pinhole, met.reshape(shape), tag.reshape(shape), object_id.reshape(shape), distance.reshape(shape)
    )


def _vectorised_hits(geometry: Geometry, ray: Ray3f) -> _Found:
    dr, mi = native()

    hits = geometry.intersect(ray, mi.Bool(True))
    values = [hits.valid, *(dr.select(hits.valid, v, 0) for v in (hits.face, hits.instance, hits.t))]
    dr.eval(values)
    met, face, instance, t = (np.array(v) for v in values)
    return met.astype(bool), face.astype(np.uint32), instance.astype(np.uint32), t.astype(np.float32)


def _scalar_hits(geometry: Geometry, origins: NDArray[np.float64], directions: NDArray[np.float64]) -> _Found:
    mi = scalar_native()
    count = len(directions)
    face, instance = np.zeros(count, dtype=np.uint32), np.zeros(count, dtype=np.uint32)
    distance = np.full(count, np.inf, dtype=np.float32)
    for k, (origin, direction) in enumerate(zip(origins.tolist(), directions.tolist(), strict=True)):
        ray = mi.Ray3f(mi.Point3f(*origin), mi.Vector3f(*direction))
        first = 0
        for tree in geometry.trees:
            found = tree.scene.ray_intersect_preliminary(ray)
            if found.is_valid() and found.t < distance[k]:
                row = first + tree.index_of(found.instance)
                face[k] = geometry.first_face[row] + found.prim_index
                instance[k], distance[k] = row, found.t
            first += len(tree.instances)
    met = np.isfinite(distance)
    return met, face, instance, np.where(met, distance, 0).astype(np.float32)


def cast_ray(
    geometry: Geometry, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float
) -> list[Hit]:
    """Everything on a ray [3], [3] (unit) up to `reach_m`, nearest first."""
    hits: list[Hit] = []
    travelled = 0.0
    while geometry.trees and len(hits) < _MOST_HITS:
        start = origin + travelled * direction
        if not geometry.vectorised:
            met, face, instance, t = _scalar_hits(geometry, start[None], direction[None])
        else:
            _, mi = native()
            columns = [mi.Float([float(v)]) for v in (*start, *direction)]
            ray = mi.Ray3f(mi.Point3f(*columns[:3]), mi.Vector3f(*columns[3:]))
            met, face, instance, t = _vectorised_hits(geometry, ray)
        if not met[0] or travelled + float(t[0]) > reach_m:
            break
        travelled += float(t[0])
        tag, object_id = geometry.tags_and_ids(face, instance)
        hits.append(Hit(travelled, int(tag[0]), int(object_id[0])))
        travelled += _STEP_M
    return hits

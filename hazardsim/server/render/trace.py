"""Rays without light: the label pass, and single rays that go through everything."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.labels import Labels, labels_of_hits
from hazardsim.server.render.stage import Stage
from hazardsim.server.render.variant import native, scalar_now
from hazardsim.server.render.view import View
from hazardsim.server.scene import Hit

_MOST_HITS: Final = 256
_STEP_M: Final = 1e-3

Array = Any
_Found = tuple[NDArray[np.bool_], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]


def trace_labels(view: View, stage: Stage) -> Labels:
    """One ray through the centre of each pixel."""
    _, mi = native()

    shape = (view.height, view.width)
    count = view.width * view.height
    if not stage.crowds:
        none = np.zeros(shape, dtype=np.uint32)
        return labels_of_hits(view, none > 0, none.astype(np.uint8), none, none.astype(np.float32))
    if scalar_now():
        directions = view.directions().reshape(-1, 3)
        origins = np.broadcast_to(view.matrix[:3, 3], directions.shape)
        met, face, placement, distance = _scalar_hits(stage, origins, directions)
    else:
        dr, _ = native()

        pixel = dr.arange(mi.UInt32, count)
        met, face, placement, distance = _wide_hits(stage, view.rays(pixel, mi.Float(0.5), mi.Float(0.5)))
    tag, object_id = stage.tags_and_ids(face, placement)
    return labels_of_hits(
        view, met.reshape(shape), tag.reshape(shape), object_id.reshape(shape), distance.reshape(shape)
    )


def _wide_hits(stage: Stage, ray: Array) -> _Found:
    dr, mi = native()

    hits = stage.intersect(ray, mi.Bool(True))
    values = [hits.valid, *(dr.select(hits.valid, v, 0) for v in (hits.face, hits.placement, hits.t))]
    dr.eval(values)
    met, face, placement, t = (np.array(v) for v in values)
    return met.astype(bool), face.astype(np.uint32), placement.astype(np.uint32), t.astype(np.float32)


def _scalar_hits(stage: Stage, origins: NDArray[np.float64], directions: NDArray[np.float64]) -> _Found:
    _, mi = native()

    count = len(directions)
    face, placement = np.zeros(count, dtype=np.uint32), np.zeros(count, dtype=np.uint32)
    distance = np.full(count, np.inf, dtype=np.float32)
    for k, (origin, direction) in enumerate(zip(origins.tolist(), directions.tolist(), strict=True)):
        ray = mi.Ray3f(mi.Point3f(*origin), mi.Vector3f(*direction))
        first = 0
        for crowd in stage.crowds:
            found = crowd.scene.ray_intersect_preliminary(ray)
            if found.is_valid() and found.t < distance[k]:
                row = first + crowd.index_of(found.instance)
                face[k] = stage.first_face[row] + found.prim_index
                placement[k], distance[k] = row, found.t
            first += len(crowd.placements)
    met = np.isfinite(distance)
    return met, face, placement, np.where(met, distance, 0).astype(np.float32)


def trace_ray(stage: Stage, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float) -> list[Hit]:
    """Everything on a ray [3], [3] (unit) up to `reach_m`, nearest first."""
    _, mi = native()

    hits: list[Hit] = []
    travelled = 0.0
    while stage.crowds and len(hits) < _MOST_HITS:
        start = origin + travelled * direction
        if scalar_now():
            met, face, placement, t = _scalar_hits(stage, start[None], direction[None])
        else:
            columns = [mi.Float([float(v)]) for v in (*start, *direction)]
            ray = mi.Ray3f(mi.Point3f(*columns[:3]), mi.Vector3f(*columns[3:]))
            met, face, placement, t = _wide_hits(stage, ray)
        if not met[0] or travelled + float(t[0]) > reach_m:
            break
        travelled += float(t[0])
        tag, object_id = stage.tags_and_ids(face, placement)
        hits.append(Hit(travelled, int(tag[0]), int(object_id[0])))
        travelled += _STEP_M
    return hits

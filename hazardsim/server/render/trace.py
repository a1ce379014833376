"""Rays without light: the label pass, and single rays that go through everything."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.geometry import Soup
from hazardsim.server.render.labels import NO_FACE, Labels, labels_of_hits
from hazardsim.server.render.stage import Stage
from hazardsim.server.render.view import View

_MOST_HITS: Final = 256
_STEP_M: Final = 1e-3


def trace_labels(view: View, stage: Stage, soup: Soup) -> Labels:
    """One ray through the centre of each pixel."""
    import mitsuba as mi

    shape = (view.height, view.width)
    if not stage.scenes:
        face = np.full(shape, NO_FACE, dtype=np.uint32)
        return labels_of_hits(view, soup, face, np.zeros(shape, dtype=np.float32))
    if mi.variant().startswith("scalar"):
        face, distance = _scalar_hits(view, stage)
    else:
        face, distance = _wide_hits(view, stage)
    return labels_of_hits(view, soup, face.reshape(shape), distance.reshape(shape))


def _wide_hits(view: View, stage: Stage) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    import drjit as dr
    import mitsuba as mi

    pixel = dr.arange(mi.UInt32, view.width * view.height)
    hit, distance, face, _ = stage.intersect(view.rays(pixel, mi.Float(0.5), mi.Float(0.5)), mi.Bool(True))
    face = dr.select(hit, face, mi.UInt32(NO_FACE))
    distance = dr.select(hit, distance, 0)
    dr.eval(face, distance)
    return np.array(face, dtype=np.uint32), np.array(distance, dtype=np.float32)


def _scalar_hits(view: View, stage: Stage) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    import mitsuba as mi

    origin = mi.Point3f(*view.matrix[:3, 3].tolist())
    directions = view.directions().reshape(-1, 3).tolist()
    face = np.full(len(directions), NO_FACE, dtype=np.uint32)
    distance = np.zeros(len(directions), dtype=np.float32)
    nearest = [(scene, first) for scene, first in stage.scenes]
    for k, direction in enumerate(directions):
        ray = mi.Ray3f(origin, mi.Vector3f(*direction))
        best = np.inf
        for scene, first in nearest:
            found = scene.ray_intersect_preliminary(ray)
            if found.is_valid() and found.t < best:
                best = found.t
                face[k], distance[k] = first + found.prim_index, found.t
    return face, distance


def trace_ray(
    stage: Stage, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float
) -> list[tuple[int, float]]:
    """Face number and distance of everything on a ray [3], [3] (unit), nearest first."""
    import mitsuba as mi

    met: list[tuple[int, float]] = []
    toward = mi.Vector3f(*direction.tolist())
    for scene, first in stage.scenes:
        travelled = 0.0
        for _ in range(_MOST_HITS):
            start = mi.Point3f(*(origin + travelled * direction).tolist())
            found = scene.ray_intersect_preliminary(mi.Ray3f(start, toward))
            t = np.inf if not np.all(np.array(found.is_valid())) else float(np.array(found.t).reshape(-1)[0])
            if not travelled + t <= reach_m:
                break
            met.append((first + int(np.array(found.prim_index).reshape(-1)[0]), travelled + t))
            travelled += t + _STEP_M
    return sorted(met, key=lambda hit: hit[1])

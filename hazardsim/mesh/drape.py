"""Flat trim laid on a curved body: lamps, plates, windows, door gaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hazardsim.mesh.shape import Points, Shape, grid

Direction = tuple[float, float, float]
FRONT: Direction = (1.0, 0.0, 0.0)
REAR: Direction = (-1.0, 0.0, 0.0)
LEFT: Direction = (0.0, 1.0, 0.0)

_REACH = 0.3
"""Trim does not follow the body further back than this many metres: it would fall into a wheel arch."""


def draped(
    body: Shape, corners: ArrayLike, side: Direction, lift: float = 0.004, cells: tuple[int, int] = (6, 4)
) -> Shape:
    """A quadrilateral laid on the body as seen from `side`, `lift` metres above it.

    `corners` [4,2] are in the plane across `side`: (y, z) for the front and the rear, (x, z) for the left, in order
    around the patch. Points that miss the body take the nearest depth that was hit.
    """
    quad = np.asarray(corners, dtype=np.float64)
    s, t = np.meshgrid(np.linspace(0, 1, cells[1] + 1), np.linspace(0, 1, cells[0] + 1), indexing="ij")
    weights = np.stack([(1 - s) * (1 - t), (1 - s) * t, s * t, s * (1 - t)], axis=-1)
    flat = weights @ quad
    axis = int(np.argmax(np.abs(side)))
    across = [k for k in range(3) if k != axis]
    depth = _outermost(body, flat.reshape(-1, 2), axis, float(side[axis]), across).reshape(flat.shape[:2])
    points = np.zeros((*flat.shape[:2], 3))
    points[..., across[0]], points[..., across[1]] = flat[..., 0], flat[..., 1]
    points[..., axis] = depth + side[axis] * lift
    patch = grid(points)
    a, b, c = (points.reshape(-1, 3)[patch.faces[:, k]] for k in range(3))
    outward = float((np.cross(b - a, c - a) @ np.asarray(side)).sum())
    return patch if outward > 0 else Shape(patch.points, patch.faces[:, ::-1])


def _outermost(body: Shape, flat: Points, axis: int, sign: float, across: Sequence[int]) -> NDArray[np.float64]:
    """Outermost coordinate of the body along `axis` over each flat point [N,2]."""
    corners = body.points[body.faces]
    a, b, c = (corners[:, k][:, across] for k in range(3))
    low = np.minimum(np.minimum(a, b), c)
    high = np.maximum(np.maximum(a, b), c)
    near = np.all((high >= flat.min(axis=0)) & (low <= flat.max(axis=0)), axis=1)
    a, b, c, heights = a[near], b[near], c[near], corners[near][:, :, axis] * sign
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    sound = np.abs(area) > 1e-12
    a, b, c, heights, area = a[sound], b[sound], c[sound], heights[sound], area[sound]
    depth = np.full(len(flat), -np.inf)
    for k, p in enumerate(flat):
        u = ((p[0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (p[1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / area
        v = ((b[:, 0] - a[:, 0]) * (p[1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[0] - a[:, 0])) / area
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
        if hit.any():
            depth[k] = float(
                (heights[hit, 0] * (1 - u - v)[hit] + heights[hit, 1] * u[hit] + heights[hit, 2] * v[hit]).max()
            )
    missed = ~np.isfinite(depth)
    if missed.all():
        raise ValueError(f"a patch at {flat.min(axis=0)} .. {flat.max(axis=0)} lies beside the body")
    if missed.any():
        distance = np.linalg.norm(flat[missed][:, None] - flat[~missed][None], axis=2)
        depth[missed] = depth[~missed][np.argmin(distance, axis=1)]
    kept: NDArray[np.float64] = np.maximum(depth, depth.max() - _REACH) * sign
    return kept

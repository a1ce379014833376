"""Seeded patterns on a torus: every array tiles without a seam."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def fractal(rng: np.random.Generator, size: int, low: float, high: float, slope: float = 1.0) -> Field:
    """Band-limited noise [size,size] f32, mean 0, standard deviation 1.

    `low` and `high` are cycles a tile; amplitude falls as frequency to the power -`slope`.
    """
    fy = np.fft.fftfreq(size, 1.0 / size)[:, None]
    fx = np.fft.rfftfreq(size, 1.0 / size)[None, :]
    radius = np.hypot(fx, fy)
    gain = np.where((radius >= low) & (radius <= high), np.maximum(radius, 1.0) ** -slope, 0.0).astype(np.float32)
    white = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    field = np.fft.irfft2(white * gain, s=(size, size))
    field -= field.mean()
    return cast("Field", (field / max(float(field.std()), 1e-9)).astype(np.float32))


def cells(rng: np.random.Generator, size: int, count: int, jitter: float = 1.0) -> tuple[Field, NDArray[np.int32]]:
    """Cells around `count`^2 jittered points: distance to the nearest in cells, and its number, both [size,size]."""
    grid = np.stack(np.meshgrid(np.arange(count), np.arange(count), indexing="ij"), axis=-1).reshape(-1, 2)
    points = (grid + 0.5 + jitter * (rng.random((count * count, 2)) - 0.5)) * (size / count)
    pad = int(np.ceil(2 * size / count))
    seeds = np.full((size + 2 * pad, size + 2 * pad), 255, dtype=np.uint8)
    owner = np.zeros(seeds.shape, dtype=np.int32)
    for dy in (-size, 0, size):
        for dx in (-size, 0, size):
            rows = np.floor(points[:, 0] + dy).astype(int) + pad
            columns = np.floor(points[:, 1] + dx).astype(int) + pad
            inside = (rows >= 0) & (rows < seeds.shape[0]) & (columns >= 0) & (columns < seeds.shape[1])
            seeds[rows[inside], columns[inside]] = 0
            owner[rows[inside], columns[inside]] = np.flatnonzero(inside)
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    lookup = np.zeros(int(labels.max()) + 1, dtype=np.int32)
    lookup[labels[seeds == 0]] = owner[seeds == 0]
    crop = slice(pad, pad + size)
    return (distance[crop, crop] * (count / size)).astype(np.float32), lookup[labels[crop, crop]]


def smooth_step(low: float, high: float, x: NDArray[np.floating]) -> Field:
    """0 below `low`, 1 above `high`, a smooth cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return cast("Field", (t * t * (3.0 - 2.0 * t)).astype(np.float32))


def blur(field: Field, sigma_px: float) -> Field:
    """Gaussian blur on the torus."""
    pad = int(3 * sigma_px) + 1
    wide = np.pad(field, pad, mode="wrap")
    return cast("Field", cv2.GaussianBlur(wide, (0, 0), sigma_px)[pad:-pad, pad:-pad].astype(np.float32))


def normals_from_height(height: Field, texel: float) -> NDArray[np.float32]:
    """Slopes [size,size,2] f32 (dh/du, dh/dv) of a height field in the unit of `texel`; row 0 is v = 0."""
    du = (np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)) / (2 * texel)
    dv = (np.roll(height, -1, axis=0) - np.roll(height, 1, axis=0)) / (2 * texel)
    return np.stack([du, dv], axis=-1).astype(np.float32)

"""What the surfaces of `mesh.model.Surface` look like: seeded patterns that tile, with relief and gloss."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.model import Surface
from hazardsim.server.render.noise import Field, blur, cells, fractal, smooth_step

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A tile of `period_m` metres a side, row 0 at v = 0, all arrays [N,N] or [N,N,3] f32.

    Linear albedo = gain * (tinted * colour + (1 - tinted) * fixed). `rough` is added to the material's roughness,
    `height_m` is relief in metres.
    """

    period_m: float
    gain: Field
    tinted: Field
    fixed: Rgb
    rough: Field
    height_m: Field

    @property
    def size(self) -> int:
        """Texels a side."""
        return int(self.tinted.shape[0])

    def albedo(self, colour: NDArray[np.float64]) -> NDArray[np.float32]:
        """Linear albedo [N,N,3] f32 with a linear RGB `colour` [3]."""
        mask = self.tinted[..., None]
        gain = self.gain if self.gain.ndim == 3 else self.gain[..., None]
        mixed = mask * colour.astype(np.float32) + (1 - mask) * np.array(self.fixed, dtype=np.float32)
        return np.clip(gain * mixed, 0.0, 0.95).astype(np.float32)


def _pattern(
    period_m: float,
    gain: Field,
    tinted: Field | None = None,
    fixed: Rgb = (0.0, 0.0, 0.0),
    rough: Field | None = None,
    height_m: Field | None = None,
) -> Pattern:
    size = gain.shape[0]
    flat = np.zeros((size, size), dtype=np.float32)
    return Pattern(
        period_m,
        np.maximum(gain, 0.02).astype(np.float32),
        flat + 1 if tinted is None else tinted.astype(np.float32),
        fixed,
        flat if rough is None else rough.astype(np.float32),
        flat if height_m is None else height_m.astype(np.float32),
    )


def _random_of(owner: NDArray[np.int32], rng: np.random.Generator) -> Field:
    return rng.standard_normal(int(owner.max()) + 1).astype(np.float32)[owner]


def _blocks(
    size: int, columns: int, rows: int, joint: float, bond: float, rng: np.random.Generator
) -> tuple[Field, NDArray[np.int32], Field, Field]:
    """Rectangles in courses: 0 in the joint to 1 on the block, its number, place in the block across and up."""
    wobble = fractal(rng, size, 8, 64, 1.0)
    v, u = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size, indexing="ij")
    course = np.floor(v * rows).astype(int)
    shifted = u * columns + bond * (course % 2)
    column = np.floor(shifted).astype(int) % columns
    across, up = shifted % 1.0, (v * rows) % 1.0
    edge = np.minimum(np.minimum(across, 1 - across) / columns, np.minimum(up, 1 - up) / rows) + wobble * joint * 0.12
    inside = smooth_step(joint * 0.35, joint * 0.75, edge)
    return inside, (course * columns + column).astype(np.int32), across.astype(np.float32), up.astype(np.float32)


def _asphalt(rng: np.random.Generator) -> Pattern:
    size, period = 2048, 12.0
    grain = fractal(rng, size, 220, 1000, 0.2)
    stones = fractal(rng, size, 300, 700, 0.0)
    chips = smooth_step(1.7, 2.4, stones)
    middle, large = fractal(rng, size, 10, 90, 0.8), fractal(rng, size, 1, 5, 0.6)
    lines = np.abs(fractal(rng, size, 2, 220, 1.5))
    crack = np.exp(-((lines / 0.012) ** 2)) * smooth_step(0.9, 1.5, fractal(rng, size, 1, 6, 0.5))
    gain = (1 + 0.15 * grain + 0.75 * chips + 0.05 * middle + 0.035 * large) * (1 - 0.6 * crack)
    height = 0.0012 * grain + 0.001 * chips - 0.004 * crack
    return _pattern(period, gain, rough=0.06 * large + 0.03 * middle, height_m=height)


def _lane_paint(rng: np.random.Generator) -> Pattern:
    size = 1024
    grain, middle = fractal(rng, size, 100, 500, 0.2), fractal(rng, size, 6, 80, 0.9)
    worn = smooth_step(1.0, 2.1, 0.75 * middle + 0.55 * grain + 0.5 * fractal(rng, size, 1, 4, 0.5))
    gain = 1 + 0.05 * middle + 0.04 * grain
    return _pattern(6.0, gain, 1 - 0.85 * worn, (0.07, 0.07, 0.072), 0.1 * worn, 0.0006 * grain)


def _paving(rng: np.random.Generator) -> Pattern:
    size, period = 1024, 4.0
    inside, number, _, _ = _blocks(size, 8, 8, 0.012 / period * 2, 0.0, rng)
    speckle, stain = fractal(rng, size, 120, 500, 0.1), fractal(rng, size, 1, 14, 0.9)
    gain = (1 + 0.07 * _random_of(number, rng) + 0.08 * speckle + 0.09 * stain) * (0.45 + 0.55 * inside)
    return _pattern(period, gain, rough=0.05 * stain, height_m=0.004 * inside + 0.0004 * speckle)


def _kerb_stone(rng: np.random.Generator) -> Pattern:
    size, period = 512, 2.0
    v, u = np.meshgrid(np.arange(size) / size, np.arange(size) / size, indexing="ij")
    inside = smooth_step(0.001, 0.004, np.minimum(u * 2 % 1, 1 - u * 2 % 1) / 2 + 0 * v)
    speckle, stain = fractal(rng, size, 60, 256, 0.1), fractal(rng, size, 1, 12, 0.9)
    gain = (1 + 0.16 * speckle + 0.1 * stain) * (0.45 + 0.55 * inside)
    return _pattern(period, gain, height_m=0.003 * inside + 0.0004 * speckle)


def _concrete(rng: np.random.Generator) -> Pattern:
    size = 1024
    stain, fine = fractal(rng, size, 1, 20, 1.1), fractal(rng, size, 60, 500, 0.4)
    pores = smooth_step(2.5, 3.1, fractal(rng, size, 50, 140, 0.0))
    gain = (1 + 0.09 * stain + 0.045 * fine) * (1 - 0.4 * pores)
    return _pattern(5.0, gain, rough=0.04 * stain, height_m=0.0005 * fine - 0.003 * pores)


def _plaster(rng: np.random.Generator) -> Pattern:
    size = 1024
    stain, fine = fractal(rng, size, 1, 10, 0.9), fractal(rng, size, 80, 500, 0.2)
    streak = blur(fractal(rng, size, 4, 60, 0.4), 1.0)
    streak = np.mean([np.roll(streak, k * 6, axis=0) for k in range(24)], axis=0) * 3
    gain = 1 + 0.035 * stain + 0.035 * fine + 0.02 * streak
    return _pattern(6.0, gain, height_m=0.0009 * fine)


def _brick(rng: np.random.Generator) -> Pattern:
    size, period = 1024, 2.88
    inside, number, _, _ = _blocks(size, 12, 36, 0.012 / period, 0.5, rng)
    speckle, stain = fractal(rng, size, 60, 500, 0.5), fractal(rng, size, 1, 8, 0.8)
    tone = _random_of(number, rng)
    warm = _random_of(number, rng)[..., None] * np.array([0.05, 0.0, -0.04], dtype=np.float32)
    bright = (1 + 0.15 * tone * inside + 0.12 * speckle + 0.06 * stain)[..., None]
    gain = (bright * (1 + warm * inside[..., None])).astype(np.float32)
    return _pattern(period, gain, inside, (0.36, 0.34, 0.31), 0.1 * (1 - inside), 0.006 * inside + 0.0006 * speckle)


def _roof_tiles(rng: np.random.Generator) -> Pattern:
    size, period = 1024, 3.0
    _, number, across, up = _blocks(size, 14, 10, 0.004, 0.0, rng)
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * across)
    lip = smooth_step(0.0, 0.1, up)
    speckle, moss = fractal(rng, size, 60, 400, 0.4), fractal(rng, size, 1, 12, 0.8)
    gain = (1 + 0.12 * _random_of(number, rng) + 0.08 * speckle + 0.1 * moss) * (0.5 + 0.5 * lip) * (0.7 + 0.3 * wave)
    return _pattern(period, gain, height_m=0.02 * wave + 0.02 * (1 - up) * lip)


def _gravel(rng: np.random.Generator) -> Pattern:
    size = 1024
    near, owner = cells(rng, size, 110)
    small, other = cells(rng, size, 220)
    dome = np.maximum(1 - near * 1.3, 0.0)
    tone = 0.22 * _random_of(owner, rng) + 0.08 * _random_of(other, rng)
    gain = (1 + tone) * (0.4 + 0.75 * dome) * (1 - 0.2 * small)
    return _pattern(3.0, gain, height_m=0.012 * dome)


def _grass(rng: np.random.Generator) -> Pattern:
    size = 1024
    blades = fractal(rng, size, 90, 500, 0.3)
    blades = 0.6 * blades + 0.5 * np.mean([np.roll(blades, k, axis=0) for k in range(7)], axis=0) * 2
    clumps, patches = fractal(rng, size, 8, 60, 0.7), fractal(rng, size, 1, 7, 0.6)
    dry = smooth_step(0.2, 2.2, patches + 0.5 * clumps)[..., None] * np.array([0.45, 0.16, 0.1], dtype=np.float32)
    gain = (1 + 0.26 * blades + 0.16 * clumps + 0.08 * patches)[..., None] * (1 + dry)
    return _pattern(5.0, gain.astype(np.float32), height_m=0.003 * blades + 0.01 * clumps)


def _soil(rng: np.random.Generator) -> Pattern:
    size = 1024
    clods, large, fine = (
        fractal(rng, size, 20, 200, 0.8),
        fractal(rng, size, 1, 10, 0.8),
        fractal(rng, size, 150, 500, 0.2),
    )
    stones = smooth_step(2.2, 2.7, fractal(rng, size, 40, 120, 0.0))
    gain = 1 + 0.2 * clods + 0.14 * large + 0.1 * fine + 0.7 * stones
    return _pattern(5.0, gain, height_m=0.008 * clods + 0.006 * stones)


def _stretched(rng: np.random.Generator, size: int, length: int, low: float, high: float) -> Field:
    """Noise drawn out along v."""
    base = fractal(rng, size, low, high, 0.5)
    spectrum = np.fft.fft(base, axis=0)
    frequency = np.fft.fftfreq(size, 1.0 / size)[:, None]
    out = np.fft.ifft(spectrum * np.exp(-((frequency * length / size) ** 2)), axis=0).real
    return (out / max(float(out.std()), 1e-9)).astype(np.float32)


def _bark(rng: np.random.Generator) -> Pattern:
    size = 512
    ridges = _stretched(rng, size, 60, 6, 60)
    groove = smooth_step(-1.2, 0.3, ridges)
    fine = fractal(rng, size, 40, 250, 0.3)
    return _pattern(1.0, (0.4 + 0.75 * groove) * (1 + 0.14 * fine), height_m=0.012 * groove + 0.001 * fine)


def _foliage(rng: np.random.Generator) -> Pattern:
    size = 1024
    near, leaf = cells(rng, size, 40)
    under, below = cells(rng, size, 57)
    facing = 0.2 * _random_of(leaf, rng) + 0.1 * _random_of(below, rng)
    gap = smooth_step(0.35, 0.62, near) * (1 - 0.4 * smooth_step(0.2, 0.6, under))
    clumps = fractal(rng, size, 2, 14, 0.5)
    young = smooth_step(0.5, 2.0, _random_of(leaf, rng))[..., None] * np.array([0.45, 0.2, 0.0], dtype=np.float32)
    gain = ((1 + facing + 0.16 * clumps) * (1 - 0.72 * gap))[..., None] * (1 + young)
    return _pattern(2.4, gain.astype(np.float32), height_m=0.035 * (1 - gap) * (1 + facing) + 0.02 * clumps)


def _wood(rng: np.random.Generator) -> Pattern:
    size = 512
    u = (np.arange(size) / size)[None, :] + np.zeros((size, 1))
    plank = np.floor(u * 8).astype(np.int32)
    joint = smooth_step(0.01, 0.04, np.minimum(u * 8 % 1, 1 - u * 8 % 1))
    grain = _stretched(rng, size, 90, 20, 250)
    gain = (1 + 0.12 * _random_of(plank, rng) + 0.13 * grain) * (0.4 + 0.6 * joint)
    return _pattern(1.2, gain, height_m=0.003 * joint + 0.0003 * grain)


def _metal(rng: np.random.Generator) -> Pattern:
    size = 512
    brushed, stain = _stretched(rng, size, 80, 40, 250), fractal(rng, size, 1, 16, 0.9)
    return _pattern(1.5, 1 + 0.04 * brushed + 0.05 * stain, rough=0.05 * stain + 0.02 * brushed)


def _painted_metal(rng: np.random.Generator) -> Pattern:
    size = 256
    dust = fractal(rng, size, 1, 30, 0.9)
    return _pattern(2.0, 1 + 0.012 * dust, rough=0.012 * dust)


def _glass(rng: np.random.Generator) -> Pattern:
    size = 256
    wave = fractal(rng, size, 1, 5, 1.0)
    return _pattern(3.0, 1 + 0.2 * wave, height_m=0.0008 * wave)


def _rubber(rng: np.random.Generator) -> Pattern:
    size = 256
    return _pattern(
        0.5, 1 + 0.08 * fractal(rng, size, 10, 120, 0.3), height_m=0.0004 * fractal(rng, size, 10, 120, 0.3)
    )


def _stone(rng: np.random.Generator) -> Pattern:
    size, period = 1024, 3.0
    inside, number, _, _ = _blocks(size, 6, 10, 0.02 / period, 0.5, rng)
    rough, fine = fractal(rng, size, 4, 60, 0.8), fractal(rng, size, 60, 500, 0.3)
    gain = (1 + 0.13 * _random_of(number, rng) + 0.1 * rough + 0.07 * fine) * (0.5 + 0.5 * inside)
    return _pattern(period, gain, height_m=0.012 * inside + 0.003 * rough)


def _fabric(rng: np.random.Generator) -> Pattern:
    size = 512
    v, u = np.meshgrid(np.arange(size) / size, np.arange(size) / size, indexing="ij")
    weave = np.sin(2 * np.pi * 64 * u) * np.sin(2 * np.pi * 64 * v)
    folds = fractal(rng, size, 1, 8, 1.0)
    return _pattern(0.5, 1 + 0.08 * weave + 0.05 * folds, height_m=0.0004 * weave + 0.002 * folds)


def _rust(rng: np.random.Generator) -> Pattern:
    size = 512
    blotch, fine = fractal(rng, size, 2, 60, 1.0), fractal(rng, size, 60, 250, 0.3)
    eaten = smooth_step(-0.4, 0.8, blotch)
    gain = 1 + 0.15 * fine + 0.15 * blotch
    return _pattern(1.5, gain, 1 - eaten, (0.16, 0.055, 0.022), 0.3 * eaten, 0.001 * eaten + 0.0004 * fine)


def _plain(rng: np.random.Generator) -> Pattern:
    return _pattern(1.0, np.ones((4, 4), dtype=np.float32) + 0 * float(rng.random()))


PATTERNS: Final[Mapping[Surface, Callable[[np.random.Generator], Pattern]]] = {
    "plain": _plain,
    "asphalt": _asphalt,
    "lane_paint": _lane_paint,
    "paving": _paving,
    "kerb_stone": _kerb_stone,
    "concrete": _concrete,
    "plaster": _plaster,
    "brick": _brick,
    "roof_tiles": _roof_tiles,
    "gravel": _gravel,
    "grass": _grass,
    "soil": _soil,
    "bark": _bark,
    "foliage": _foliage,
    "wood": _wood,
    "metal": _metal,
    "painted_metal": _painted_metal,
    "glass": _glass,
    "rubber": _rubber,
    "stone": _stone,
    "fabric": _fabric,
    "rust": _rust,
}


@lru_cache(maxsize=len(PATTERNS))
def pattern(surface: Surface) -> Pattern:
    """The pattern of a surface; the same on every machine and in every process."""
    seed = zlib.crc32(surface.encode())
    return PATTERNS[surface](np.random.default_rng(seed))

"""Material rows and texels on the device, and what they say of a point of a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point2f, UInt32
from hazardsim.server.render.device_buffer import DeviceBuffer
from hazardsim.server.render.textures import (
    EMIT,
    FIXED,
    GROUND,
    LARGEST,
    METALLIC,
    NUMBERS,
    OPACITY,
    POROUS,
    PUDDLE,
    ROUGH_RANGE,
    ROUGHNESS,
    SCALE,
    SLOPE_RANGE,
    SPECULAR,
    TINT,
    TRANSLUCENT,
    MaterialTables,
)
from hazardsim.server.render.variant import native


@dataclass(slots=True)
class MaterialSample:
    """A point's material: linear albedo, relief slopes along u and v, and the numbers of its row."""

    albedo: Color3f
    slope_u: Float
    slope_v: Float
    roughness: Float
    specular: Float
    metallic: Float
    translucent: Float
    opacity: Float
    porous: Float
    puddle: Float
    ground: Float
    emission: Color3f


class DeviceMaterials:
    """The tables of a `MaterialLibrary` on the device; `earlier` ones of the same library hand their texels on."""

    def __init__(self, tables: MaterialTables, earlier: DeviceMaterials | None = None) -> None:
        _, mi = native()

        self._texels: DeviceBuffer = DeviceBuffer() if earlier is None else earlier._texels
        self._relief: DeviceBuffer = DeviceBuffer() if earlier is None else earlier._relief
        self._images = len(tables.texels), len(tables.relief)
        for buffer, images, known in zip(
            (self._texels, self._relief),
            (tables.texels, tables.relief),
            (0, 0) if earlier is None else earlier._images,
            strict=True,
        ):
            if images[known:]:
                buffer.append(np.concatenate(images[known:]))
        self._words = mi.UInt32(tables.words.reshape(-1))
        self._numbers = mi.Float(tables.numbers.reshape(-1))

    def at(self, material: UInt32, uv: Point2f, footprint: Float, dither: Float, active: Bool) -> MaterialSample:
        """The material rows at `uv` (their own unit); `footprint` is the size of a pixel there, in the same unit.

        `dither` in 0..1 blends between mip levels.
        """
        dr, mi = native()

        def number(k: int) -> Float:
            return dr.gather(mi.Float, self._numbers, material * NUMBERS + k, active)

        def word(k: int) -> UInt32:
            return dr.gather(mi.UInt32, self._words, material * 4 + k, active)

        scale = number(SCALE)
        place = uv * scale
        gain, tinted = self._filtered(self._texels.array, word(0), word(1), place, footprint * scale, dither, active)
        tint, fixed = (mi.Color3f(*(number(first + k) for k in range(3))) for first in (TINT, FIXED))
        relief_sides = word(3)
        bumpy = active & (relief_sides > 0)
        relief, _ = self._filtered(self._relief.array, word(2), relief_sides, place, footprint * scale, dither, bumpy)
        rough = dr.select(bumpy, relief.z, 0.5)
        return MaterialSample(
            albedo=dr.minimum(gain * gain * number(LARGEST) * dr.lerp(fixed, tint, tinted), 0.95),
            slope_u=dr.select(bumpy, (relief.x * 2 - 1) * SLOPE_RANGE, 0),
            slope_v=dr.select(bumpy, (relief.y * 2 - 1) * SLOPE_RANGE, 0),
            roughness=dr.clip(number(ROUGHNESS) + (rough * 2 - 1) * ROUGH_RANGE, 0.02, 1),
            specular=number(SPECULAR),
            metallic=number(METALLIC),
            translucent=number(TRANSLUCENT),
            opacity=number(OPACITY),
            porous=number(POROUS),
            puddle=number(PUDDLE),
            ground=number(GROUND),
            emission=mi.Color3f(*(number(EMIT + k) for k in range(3))),
        )

    @staticmethod
    def _filtered(
        texels: UInt32, base: UInt32, sides: UInt32, place: Point2f, footprint: Float, dither: Float, active: Bool
    ) -> tuple[Color3f, Float]:
        """Bilinear value of three channels in coded form, and of the fourth, at the mip level that fits."""
        dr, mi = native()

        log_w, log_h = sides & 0xFF, (sides >> 8) & 0xFF
        width = mi.Float(mi.UInt32(1) << log_w)
        finest = dr.log2(dr.maximum(footprint * width, 1e-6))
        level = mi.Int32(dr.floor(finest + dither - 0.25))
        level = mi.UInt32(dr.clip(level, 0, mi.Int32(dr.minimum(log_w, log_h))))
        # Levels lie one after the other: 4 (n - n / 4^level) / 3 texels come before this one.
        whole = mi.UInt32(1) << (log_w + log_h)
        offset = base + (whole - (whole >> (2 * level))) // 3 * 4
        log_w, log_h = log_w - level, log_h - level
        mask_x, mask_y = (mi.UInt32(1) << log_w) - 1, (mi.UInt32(1) << log_h) - 1
        x = (place.x - dr.floor(place.x)) * mi.Float(mask_x + 1) - 0.5
        y = (place.y - dr.floor(place.y)) * mi.Float(mask_y + 1) - 0.5
        left, low = dr.floor(x), dr.floor(y)
        fx, fy = x - left, y - low
        column, row = mi.UInt32(mi.Int32(left)), mi.UInt32(mi.Int32(low))
        rgb, fourth = mi.Color3f(0), mi.Float(0)
        for dx, dy, weight in (
            (0, 0, (1 - fx) * (1 - fy)),
            (1, 0, fx * (1 - fy)),
            (0, 1, (1 - fx) * fy),
            (1, 1, fx * fy),
        ):
            index = offset + ((row + dy) & mask_y) * (mask_x + 1) + ((column + dx) & mask_x)
            texel = dr.gather(mi.UInt32, texels, index, active)
            channels = [mi.Float((texel >> shift) & 0xFF) * (1 / 255) for shift in (0, 8, 16, 24)]
            rgb += weight * mi.Color3f(*channels[:3])
            fourth += weight * channels[3]
        return rgb, fourth

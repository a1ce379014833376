"""Water on surfaces: how wet and puddled a point is, in a pattern fixed to the world and not to the texture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point3f, Vector3f
from hazardsim.server.render.device_materials import MaterialSample
from hazardsim.server.render.noise import fractal
from hazardsim.server.render.variant import native
from hazardsim.server.weather import Weather

PATCH_M: Final = 37.0
"""Size of the tile of the world pattern; the second, turned, layer makes its repetition hard to see."""
_SEED: Final = 37
_TURN: Final = 0.61


@dataclass(frozen=True, slots=True)
class Water:
    """Shares 0..1: film on everything outside, ground under puddles, rain falling now."""

    film: float
    puddles: float
    rain: float


def water_of(weather: Weather) -> Water:
    """What CARLA's numbers mean for surfaces; deposits of 100 cover the road, as its documentation says."""
    rain = float(np.clip(weather.precipitation / 100, 0, 1))
    deposits = float(np.clip(weather.precipitation_deposits / 100, 0, 1))
    wetness = float(np.clip(weather.wetness / 100, 0, 1))
    return Water(max(wetness, min(1.0, 1.6 * deposits), min(1.0, 1.3 * rain)), deposits, rain)


@lru_cache(maxsize=1)
def world_pattern() -> NDArray[np.float32]:
    """Two tileable layers [512,512,2] f32: large and small unevenness, mean 0, standard deviation 1."""
    rng = np.random.default_rng(_SEED)
    return np.dstack([fractal(rng, 512, 2, 48, 0.9), fractal(rng, 512, 24, 200, 0.4)])


class DeviceWetness:
    """The world pattern on the device, with the water of a weather."""

    def __init__(self, water: Water) -> None:
        dr, mi = native()

        self._table = mi.Texture2f(mi.TensorXf(world_pattern()), wrap_mode=dr.WrapMode.Repeat)
        self.wet = water.film > 0
        self.film, self.puddles, self.rain = mi.Float(water.film), mi.Float(water.puddles), mi.Float(water.rain)
        dr.make_opaque(self.film, self.puddles, self.rain)

    def uneven(self, point: Point3f, active: Bool) -> tuple[Float, Float]:
        """Large and small unevenness of the world at `point`."""
        _, mi = native()

        x, y = point.x / PATCH_M, point.y / PATCH_M
        turned = mi.Point2f(_TURN * x - 0.79 * y, 0.79 * x + _TURN * y)
        first = self._table.eval(mi.Point2f(x, y), active)
        second = self._table.eval(turned * 1.7, active)
        return 0.75 * (first[0] + second[0]), 0.75 * (first[1] + second[1])


@dataclass(slots=True)
class WetMaterial:
    """A point's material under water."""

    albedo: Color3f
    roughness: Float
    specular: Float
    normal: Vector3f


def wetted(
    wetness: DeviceWetness, material: MaterialSample, point: Point3f, facing: Vector3f, normal: Vector3f, active: Bool
) -> WetMaterial:
    """Vary the ground over metres; darken, polish and flood what is wet.

    Source: Lekner and Dorf 1988, wet porous surfaces are darker because light is caught under the film; the factor
    here is the usual fit of their figure.
    """
    dr, _ = native()

    large, small = wetness.uneven(point, active)
    vary = material.ground * dr.clip(facing.z, 0, 1)
    albedo = material.albedo * dr.clip(1 + vary * (0.055 * large + 0.025 * small), 0.5, 1.5)
    roughness, specular = material.roughness, material.specular
    if wetness.wet:
        level = dr.clip(facing.z, 0, 1)
        film = wetness.film * (0.35 + 0.65 * level * level)
        damp = dr.clip(film * (1 + 0.25 * large), 0, 1)
        albedo = albedo * dr.lerp(1, 0.5, damp * material.porous)
        roughness = dr.lerp(roughness, roughness * (0.42 - 0.1 * level), damp * dr.minimum(1, material.porous + 0.3))
        specular = dr.maximum(specular, 0.03 * damp)
        flat = material.puddle * dr.select(facing.z > 0.97, 1.0, 0.0)
        line = 1.9 - 2.6 * wetness.puddles
        edge = (large + 0.22 * small - line) * 3.5
        pool = dr.clip(edge, 0, 1) * flat * dr.select(wetness.puddles > 0.01, 1.0, 0.0)
        pool = pool * pool * (3 - 2 * pool)
        albedo = albedo * dr.lerp(1, 0.7, pool)
        roughness = dr.lerp(roughness, 0.045 + 0.12 * wetness.rain, pool)
        normal = dr.normalize(dr.lerp(normal, facing, dr.maximum(0.85 * pool, 0.25 * damp * flat)))
    return WetMaterial(albedo, roughness, specular, normal)

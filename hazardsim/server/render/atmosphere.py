"""What is between the camera and things: fog that thins out with height, and falling rain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.labels import Labels
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.sky import Sky
from hazardsim.server.weather import Weather

_THICKEST_PER_M: Final = 0.06
"""Extinction at the ground at fog_density 100: objects fade at about 65 m (Koschmieder 1924: 3.9 / extinction)."""
_RAIN_PER_M: Final = 0.0022
_SKY_M: Final = 8000.0
_LAYERS: Final = ((2.5, 0.16), (5.0, 0.30), (11.0, 0.5), (25.0, 0.8))
_EXPOSURE_S: Final = 1 / 90
_FALL_M_S: Final = 7.0


@dataclass(frozen=True, slots=True)
class Fog:
    """Extinction at z = 0 per metre, its fall per metre of height, and where it begins."""

    extinction: float
    falloff: float
    start_m: float

    def veil(self, sun_height: float) -> float:
        """Share 0..1 of the sun's light that is scattered on the way down; `sun_height` is the sine of its altitude."""
        depth = self.extinction * min(60.0, 1 / max(self.falloff, 1e-4))
        return float(1 - np.exp(-depth / max(sun_height, 0.15)))


def fog_of(weather: Weather) -> Fog:
    """Fog of CARLA's density (0..100), distance (metres to its start) and falloff, plus the haze of rain."""
    density = float(np.clip(weather.fog_density / 100, 0, 1))
    rain = float(np.clip(weather.precipitation / 100, 0, 1))
    falloff = 0.1 * float(np.clip(weather.fog_falloff, 0, 5))
    return Fog(_THICKEST_PER_M * density**1.5 + _RAIN_PER_M * rain**1.5, falloff, max(0.0, weather.fog_distance))


def optical_depth(
    fog: Fog, height_m: float, rise: NDArray[np.float64], distance_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Extinction summed along rays from `height_m` that climb `rise` metres a metre.

    Source: the integral of k exp(-a z) along a line, as in Quilez 2010, "better fog".
    """
    length = np.maximum(distance_m - fog.start_m, 0)
    start = fog.extinction * np.exp(-fog.falloff * max(height_m, 0.0))
    steep = fog.falloff * rise * length
    # Below the horizon the layer is even; a ray cannot gain more than from fog that does not thin out.
    shrink = np.where(np.abs(steep) < 1e-4, 1.0, -np.expm1(-np.clip(steep, 1e-4, 60)) / np.clip(steep, 1e-4, None))
    return np.asarray(start * length * np.where(steep > 0, shrink, 1.0), dtype=np.float64)


def foggy(
    radiance: NDArray[np.float32],
    cover: NDArray[np.float32],
    pinhole: PinholeCamera,
    labels: Labels,
    sky: Sky,
    fog: Fog,
) -> NDArray[np.float32]:
    """Radiance [H,W,3] seen through the air; `cover` mixes things and sky in a pixel."""
    directions = pinhole.directions()
    rise = directions[..., 2]
    height = float(pinhole.matrix[2, 3])
    axis = pinhole.matrix[:3, 0]
    near = np.where(np.isfinite(labels.depth_m), labels.depth_m, 0).astype(np.float64)
    near = np.where(np.isfinite(labels.depth_m), near / (directions @ axis), _edge_distance(near))
    through = np.exp(-optical_depth(fog, height, rise, near))
    # The sky picture holds the haze of clear air already: only fog covers it.
    far = np.exp(-optical_depth(fog, height, np.maximum(rise, 0.0), np.full_like(rise, _SKY_M)))
    share = cover * through + (1 - cover) * np.where(cover < 1, far, 1.0)
    glow = np.clip(directions @ sky.sun, 0, 1)[..., None] ** 8 * 0.12 * sky.sun_irradiance / np.pi
    colour = sky.haze + glow
    return (radiance * share[..., None] + colour * (1 - share[..., None])).astype(np.float32)


def _edge_distance(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """For sky pixels, the distance of the nearest thing beside them: an edge pixel's share of it needs one."""
    return np.asarray(cv2.dilate(near, np.ones((3, 3), dtype=np.uint8)), dtype=np.float64)


def rainy(
    radiance: NDArray[np.float32], pinhole: PinholeCamera, labels: Labels, sky: Sky, weather: Weather, seed: int
) -> NDArray[np.float32]:
    """Radiance with streaks of falling drops, in layers of distance, slanted by the wind."""
    rain = float(np.clip(weather.precipitation / 100, 0, 1))
    if rain <= 0:
        return radiance
    rng = np.random.default_rng(seed)
    height, width = pinhole.height, pinhole.width
    slant = 0.28 * float(np.clip(weather.wind_intensity / 100, 0, 1))
    distance = np.where(np.isfinite(labels.depth_m), labels.depth_m, 1e4)
    out = radiance.copy()
    light = (sky.haze * 0.95).astype(np.float32)
    for layer_m, share in _LAYERS:
        length = pinhole.focal_px * _FALL_M_S * _EXPOSURE_S / layer_m
        wide = max(pinhole.focal_px * 0.0022 / layer_m, 0.35)
        count = int(rain * 900 * share * (width * height) / (640 * 360) * min(1.0, 10 / layer_m + 0.6))
        streaks: NDArray[np.float32] = np.zeros((height, width), dtype=np.float32)
        x, y = rng.random(count) * width, (rng.random(count) * 1.3 - 0.15) * height
        size = length * (0.6 + 0.8 * rng.random(count))
        strength = rng.random(count) * 0.7 + 0.3
        for k in range(count):
            end = (round((x[k] + slant * size[k]) * 16), round((y[k] + size[k]) * 16))
            start = (round(x[k] * 16), round(y[k] * 16))
            cv2.line(streaks, start, end, float(strength[k]), max(1, round(wide)), cv2.LINE_AA, 4)
        streaks = cv2.GaussianBlur(streaks, (0, 0), max(0.6, 0.25 * wide)).astype(np.float32)
        alpha = np.clip(streaks * min(wide, 1.0) * 0.55, 0, 0.5) * (distance > layer_m)
        out = out * (1 - alpha[..., None]) + light * alpha[..., None]
    return out.astype(np.float32)

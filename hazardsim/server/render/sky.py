"""The sky of a weather: sun, clear-sky model, seeded clouds, overcast; as one picture of radiance and one sun.

RenderBuffers axes: column = azimuth counter-clockwise from +x over 360 degrees, row r of H = elevation
90 * ((r + 0.5) / H)^2 degrees, so that the horizon, where a driver looks, has most rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.noise import Field, fractal, smooth_step
from hazardsim.server.render.variant import native, scalar_now
from hazardsim.server.weather import Weather

WIDTH: Final = 2048
HEIGHT: Final = 512
SUN_HALF_ANGLE: Final = np.radians(0.4)
"""A little more than the real 0.27 degrees: haze widens the sun's shadow edge."""
SUNLIT_WHITE: Final = 0.45
"""Radiance of a white wall in the clear noon sun, in the units of the sky model below; measured from it."""
_CLOUD_SEED: Final = 2022
_VEIL: Final = np.array([0.98, 1.0, 1.02], dtype=np.float32)
_BAND: Final = 16
"""Rows that are worked out together: few enough to stay in a processor's cache, and bands are shared out to cores."""
_NIGHT: Final = (0.0005, 0.0007, 0.0013)

Vector = NDArray[np.float64]
Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Light from outside the scene: radiance [HEIGHT,WIDTH,3] f32 without the sun's disc.

    `sun` is the unit direction to it, `sun_irradiance` on a surface facing it, `disc` the radiance of the visible
    disc, `below` the radiance under the horizon, `haze` of the air at the horizon; all linear RGB.
    """

    radiance: Table
    sun: Vector
    sun_irradiance: Vector
    disc: Vector
    below: Vector
    haze: Vector


@dataclass(frozen=True, slots=True, eq=False)
class ClearSky:
    """Clear sky on a coarse grid of the same axes [48,96,3], and the sun's irradiance at normal incidence [3]."""

    radiance: Table
    sun_irradiance: Vector


def sun_direction(weather: Weather) -> Vector:
    """Unit vector to the sun [3]; CARLA's azimuth turns from +x to CARLA's +y, which is our right (-y)."""
    altitude, azimuth = np.radians(weather.sun_altitude_angle), np.radians(weather.sun_azimuth_angle)
    return np.array([np.cos(altitude) * np.cos(azimuth), -np.cos(altitude) * np.sin(azimuth), np.sin(altitude)])


def grid_directions(width: int, height: int) -> NDArray[np.float64]:
    """Unit directions [height,width,3] of the picture's pixel centres."""
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi
    elevation = 0.5 * np.pi * ((np.arange(height) + 0.5) / height) ** 2
    across = np.cos(elevation)[:, None]
    return np.stack(
        [across * np.cos(azimuth), across * np.sin(azimuth), np.repeat(np.sin(elevation)[:, None], width, axis=1)],
        axis=-1,
    )


@lru_cache(maxsize=1)
def _picture_directions() -> NDArray[np.float32]:
    directions = grid_directions(WIDTH, HEIGHT).astype(np.float32)
    directions.flags.writeable = False
    return directions


@lru_cache(maxsize=1)
def _cloud_noise() -> Field:
    return fractal(np.random.default_rng(_CLOUD_SEED), 1024, 2, 400, 1.35)


def _lookup(noise: Field, x: NDArray[np.float32], y: NDArray[np.float32]) -> Field:
    size = noise.shape[0]
    u, v = (x - np.floor(x)) * np.float32(size), (y - np.floor(y)) * np.float32(size)
    return np.asarray(cv2.remap(noise, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), dtype=np.float32)


class _CloudPattern(NamedTuple):
    """Where each of some rows of the picture looks into the cloud noise, and what it finds there, all [h,W] f32."""

    x: Table
    y: Table
    density: Table


@lru_cache(maxsize=1)
def _cloud_pattern() -> _CloudPattern:
    noise, directions = _cloud_noise(), _picture_directions()
    reach = directions[..., 2] + 0.09
    x = np.asarray(directions[..., 0] / reach * 0.11, dtype=np.float32)
    y = np.asarray(directions[..., 1] / reach * 0.11, dtype=np.float32)
    density = _lookup(noise, x, y) + 0.25 * _lookup(noise, 4.1 * x + 0.3, 4.1 * y + 0.7)
    return _CloudPattern(x, y, density)


def _clouds(pattern: _CloudPattern, sun: Vector, cover: float) -> tuple[Field, Field]:
    """Opacity 0..1 of a cloud layer, and how much of the sun reaches each cloud 0..1, both [h,W]."""
    noise, (x, y, density) = _cloud_noise(), pattern
    threshold = 1.75 - 3.1 * cover
    toward = (sun[:2] / max(float(np.linalg.norm(sun[:2])), 1e-6) * 0.018).astype(np.float32)
    ahead = _lookup(noise, x + toward[0], y + toward[1]) + _lookup(noise, x + 2.5 * toward[0], y + 2.5 * toward[1])
    opacity = smooth_step(threshold, threshold + 0.95, density)
    lit = np.exp(-0.55 * np.maximum(0.5 * ahead - threshold + 0.15, 0.0)) * np.exp(
        -0.35 * np.maximum(density - threshold, 0)
    )
    return opacity, lit.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """What the sky of a weather is mixed of: `blue` [HEIGHT,WIDTH,3], colours [3], shares 0..1."""

    blue: Table
    sun: Vector
    sunlight: Vector
    ambient: NDArray[np.floating]
    overcast: Vector
    overcast_level: float
    cover: float
    closed: NDArray[np.floating]
    veil: float
    night: NDArray[np.floating]

    def draw(self, rows: slice, radiance: NDArray[np.float64]) -> None:
        """Fill some rows of the picture `radiance` [HEIGHT,WIDTH,3]; every pixel depends on its own place alone.

        Channel by channel, because that is several times as fast as arrays whose last axis has three values. A share of
        nothing is not worked out, and what depends on elevation alone is worked out once a row.
        """
        directions = _picture_directions()[rows]
        up = directions[:, :1, 2]
        # Source: Moon and Spencer 1942, overcast sky: L(zenith angle) = L_zenith (1 + 2 cos) / 3.
        overcast = self.overcast_level * 9 / 7 * (1 + 2 * up) / 3
        opacity, lit = _clouds(_CloudPattern(*(a[rows] for a in _cloud_pattern())), self.sun, self.cover)
        fade = smooth_step(0.0, 0.10, up)
        texture = 1 + 0.22 * (lit - 0.5) + 0.10 * (opacity - 0.5) if self.closed > 0 else None
        glow = np.clip((directions @ self.sun) * 0.5 + 0.5, 0, 1) ** 6 if self.closed < 1 else None
        clear_share = 1 - opacity * fade
        plain = self.overcast_level * (0.8 + 0.2 * up)
        for k in range(3):
            mixed = np.zeros(1)
            if glow is not None:
                mixed = self._broken(k, self.blue[rows, :, k], clear_share, (opacity, lit, fade), glow)
                mixed *= 1 - self.closed
            if texture is not None:
                grey = overcast * self.overcast[k].astype(np.float32)
                mixed = mixed + grey * texture * self.closed
            if self.veil > 0:
                mixed = mixed * (1 - self.veil) + plain * _VEIL[k] * 1.6 * self.veil
            if self.night < 1:
                mixed = mixed * self.night + np.float64(_NIGHT[k]) * (1 - self.night)
            radiance[rows, :, k] = mixed

    def _broken(
        self, k: int, blue: Table, clear_share: Table, clouds: tuple[Table, Table, Table], glow: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Channel k of clouds before a blue sky: tops and edges white in the sun, base colour from the sky around."""
        opacity, lit, fade = clouds
        direct = 0.6 * max(float(self.sun[2]), 0.12) + 0.10
        cloud: NDArray[np.float64] = glow * self.sunlight[k]
        cloud *= 0.09
        cloud += self.sunlight[k] * direct / np.pi * 0.95
        cloud *= lit
        cloud += self.ambient[k]
        cloud *= opacity
        cloud *= fade
        cloud += blue * clear_share
        return cloud


def _blown_up(clear: Table) -> Table:
    """A clear sky [48,96,3] at the size of the picture."""
    wrapped = np.concatenate([clear[:, -1:], clear, clear[:, :1]], axis=1)
    wide = cv2.resize(wrapped, (WIDTH + 2 * WIDTH // 96, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(wide[:, WIDTH // 96 : WIDTH // 96 + WIDTH])


def _mixture(weather: Weather, clear: ClearSky, veil: float) -> _Mixture:
    cover = float(np.clip(weather.cloudiness / 100.0, 0, 1))
    rain = float(np.clip(weather.precipitation / 100.0, 0, 1))
    sun = sun_direction(weather)
    blue = _blown_up(clear.radiance)
    sunlight = clear.sun_irradiance
    level = (sunlight * max(float(sun[2]), 0.0)).sum() / 3 + float(clear.radiance.mean()) * np.pi
    grey = np.array([0.93, 1.0, 1.07]) * 0.9 + 0.1 * sunlight / max(float(sunlight.max()), 1e-9)
    return _Mixture(
        blue=blue,
        sun=sun,
        sunlight=sunlight,
        ambient=blue.mean(axis=(0, 1)) * 0.85,
        overcast=grey,
        overcast_level=level * (0.34 - 0.17 * rain) / np.pi,
        cover=cover,
        closed=smooth_step(0.55, 0.97, np.array(cover)) * 1.0,
        veil=veil,
        night=smooth_step(-9.0, 0.5, np.array(weather.sun_altitude_angle)) * 1.0,
    )


def make_sky(weather: Weather, clear: ClearSky, veil: float) -> Sky:
    """The sky of a weather.

    Args:
        weather: CARLA's numbers.
        clear: the clear sky for the sun's altitude, from `clear_sky`.
        veil: share 0..1 of the sun's light that fog scatters before it reaches the ground.
    """
    mixture = _mixture(weather, clear, veil)
    radiance = np.zeros((HEIGHT, WIDTH, 3))
    bands = [slice(first, first + _BAND) for first in range(0, HEIGHT, _BAND)]

    _cloud_pattern()
    with ThreadPoolExecutor() as threads:
        list(threads.map(partial(mixture.draw, radiance=radiance), bands))
    cover, closed = np.array(mixture.cover), mixture.closed
    visible = float((1 - smooth_step(0.3, 0.9, cover) * 0.985) * (1 - closed)) * (1 - veil)
    strength = visible * float(smooth_step(-0.6, 1.0, np.array(weather.sun_altitude_angle)))
    irradiance = mixture.sunlight * strength
    haze = radiance[HEIGHT // 8 : HEIGHT // 3].mean(axis=(0, 1))
    solid = 2 * np.pi * (1 - np.cos(SUN_HALF_ANGLE))
    return Sky(
        radiance.astype(np.float32),
        mixture.sun,
        irradiance.astype(np.float64),
        (irradiance / solid).astype(np.float64),
        (0.22 * haze).astype(np.float64),
        haze.astype(np.float64),
    )


def clear_sky(altitude_deg: float, azimuth_deg: float, turbidity: float) -> ClearSky:
    """Sample Mitsuba's sun and sky; under the horizon the sky of a sun at the horizon, fading with depth."""
    _, mi = native()

    altitude = max(altitude_deg, 1.0)
    sun = sun_direction(Weather(sun_altitude_angle=altitude, sun_azimuth_angle=azimuth_deg))
    common = {"type": "sunsky", "sun_direction": sun.tolist(), "turbidity": turbidity, "albedo": 0.2}
    sky, disc = mi.load_dict({**common, "sun_scale": 0.0}), mi.load_dict({**common, "sky_scale": 0.0})
    aperture = np.radians(0.5358) / 2
    directions = grid_directions(96, 48).reshape(-1, 3)
    radiance = np.array([_radiance(sky, d) for d in directions]) if scalar_now() else _wide(sky, directions)
    peak = _radiance(disc, sun) if scalar_now() else _wide(disc, sun[None])[0]
    return ClearSky(
        radiance.reshape(48, 96, 3).astype(np.float32),
        np.asarray(peak, dtype=np.float64) * 2 * np.pi * (1 - np.cos(aperture)),
    )


def _radiance(emitter: object, direction: Vector) -> Vector:
    _, mi = native()

    si = mi.SurfaceInteraction3f()
    si.wi = mi.Vector3f(*(-direction).tolist())
    return np.array(emitter.eval(si), dtype=np.float64).reshape(3)  # type: ignore[attr-defined]


def _wide(emitter: object, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    dr, mi = native()

    si = dr.zeros(mi.SurfaceInteraction3f, len(directions))
    si.wi = mi.Vector3f(*(mi.Float(np.ascontiguousarray(-directions[:, k], dtype=np.float32)) for k in range(3)))
    return np.array(emitter.eval(si), dtype=np.float64).T  # type: ignore[attr-defined]

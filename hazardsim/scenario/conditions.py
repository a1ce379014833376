"""From a condition and a place of the sun to CARLA's fourteen weather numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from hazardsim.scenario.scene import SceneWeather
from hazardsim.scenario.spec import Condition, WeatherSpec

# Lowest and highest of: cloudiness, precipitation, precipitation_deposits, wind_intensity, fog_density, fog_distance,
# wetness. The centres are the values of CARLA's own presets (Clear, Cloudy, Wet, SoftRain to HardRain); fog is ours:
# CARLA has no fog preset by day.
CONDITIONS: Final[dict[Condition, tuple[tuple[float, float], ...]]] = {
    "clear": ((0, 15), (0, 0), (0, 0), (5, 20), (0, 3), (0.75, 0.75), (0, 0)),
    "cloudy": ((55, 90), (0, 0), (0, 0), (10, 40), (2, 5), (0.75, 0.75), (0, 0)),
    "wet": ((5, 65), (0, 0), (40, 80), (5, 20), (2, 4), (0.75, 0.75), (30, 80)),
    "rain": ((60, 100), (30, 100), (50, 90), (30, 100), (3, 10), (0.75, 0.75), (60, 100)),
    "fog": ((30, 80), (0, 0), (0, 30), (0, 10), (30, 70), (0, 10), (0, 30)),
}
_FOG_FALLOFF = 0.1
_SCATTERING = (1.0, 0.03, 0.0331)


def sample_weather(spec: WeatherSpec, rng: np.random.Generator) -> SceneWeather:
    """Draw a condition by its share, then each of its numbers evenly between its bounds."""
    names = sorted(spec.conditions)
    shares = np.array([spec.conditions[name] for name in names])
    condition = names[int(rng.choice(len(names), p=shares / shares.sum()))]
    cloud, rain, deposits, wind, fog, fog_distance, wetness = (
        round(float(rng.uniform(low, high)), 3) for low, high in CONDITIONS[condition]
    )
    altitude = round(float(rng.uniform(*spec.sun_altitude_deg)), 3)
    azimuth = round(float(rng.uniform(*spec.sun_azimuth_deg)), 3)
    head = (cloud, rain, deposits, wind, azimuth, altitude, fog, fog_distance, _FOG_FALLOFF, wetness)
    return SceneWeather(condition, (*head, *_SCATTERING, 0.0))

"""The sky of a weather, and what a camera makes of light."""

import numpy as np
import pytest

from hazardsim.server.render import sky, tone_mapping
from hazardsim.server.render.variant import activate, choose_variant
from hazardsim.server.weather import Weather


@pytest.fixture(scope="module", autouse=True)
def variant():
    activate(choose_variant())


def made(veil=0.0, **numbers):
    weather = Weather(**numbers)
    clear = sky.clear_sky(weather.sun_altitude_angle, weather.sun_azimuth_angle, 3.0)
    return sky.make_sky(weather, clear, veil)


@pytest.mark.parametrize(
    ("altitude", "azimuth", "expected"),
    [
        (90, 0, (0, 0, 1)),
        (0, 0, (1, 0, 0)),
        (0, 90, (0, -1, 0)),  # CARLA's +y is our right
        (30, 180, (-np.sqrt(0.75), 0, 0.5)),
    ],
)
def test_sun_stands_where_carla_puts_it(altitude, azimuth, expected):
    direction = sky.sun_direction(Weather(sun_altitude_angle=altitude, sun_azimuth_angle=azimuth))
    assert direction == pytest.approx(np.array(expected), abs=1e-9)


def irradiance_of_the_ground(radiance):
    """Light of the sky on a horizontal square metre, by the sum over the picture."""
    width, height = radiance.shape[1], radiance.shape[0]
    edges = 0.5 * np.pi * (np.arange(height + 1) / height) ** 2
    weights = (np.sin(edges[1:]) ** 2 - np.sin(edges[:-1]) ** 2) / 2 * 2 * np.pi / width
    return (radiance.mean(axis=-1) * weights[:, None]).sum()


def test_clear_sky_is_brightest_around_the_sun_and_blue_away_from_it():
    above = made(cloudiness=0, sun_altitude_angle=40, sun_azimuth_angle=-90)
    directions = sky.grid_directions(sky.WIDTH, sky.HEIGHT)
    level = above.radiance.mean(axis=-1)
    brightest = directions.reshape(-1, 3)[int(level.argmax())]
    assert np.degrees(np.arccos(brightest @ above.sun)) < 15
    zenith = above.radiance[-20:].mean(axis=(0, 1))
    assert zenith[2] > 1.5 * zenith[0]


def test_clouds_take_the_sun_and_no_weather_adds_light():
    clear, grey = (made(cloudiness=c, sun_altitude_angle=45) for c in (0, 100))
    assert grey.sun_irradiance.max() < 0.02 * clear.sun_irradiance.max()
    arrives = [irradiance_of_the_ground(s.radiance) + s.sun_irradiance.mean() * s.sun[2] for s in (clear, grey)]
    assert 0.1 * arrives[0] < arrives[1] < arrives[0]


def test_sky_has_no_seam_and_no_step_at_the_horizon():
    above = made(cloudiness=60, sun_altitude_angle=30, sun_azimuth_angle=180)
    seam = np.abs(above.radiance[:, 0] - above.radiance[:, -1]).mean()
    inner = np.abs(np.diff(above.radiance, axis=1)).mean(axis=(0, 2))
    assert seam < 2 * np.quantile(inner, 0.99)
    lowest = above.radiance[:8].mean(axis=(0, 1))
    assert above.haze == pytest.approx(lowest, rel=0.6)


@pytest.mark.slow
def test_night_falls_without_a_jump():
    levels = [float(made(cloudiness=0, sun_altitude_angle=a).radiance.mean()) for a in (6, 3, 0, -3, -6, -9, -12)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.02 * levels[0]


def test_bands_are_the_whole_picture_and_its_arithmetic(monkeypatch):
    numbers = {"cloudiness": 70, "precipitation": 30, "sun_altitude_angle": 20}
    usual = made(0.1, **numbers)
    monkeypatch.setattr(sky, "_BAND", sky.HEIGHT)
    assert np.array_equal(made(0.1, **numbers).radiance, usual.radiance)


def test_tone_curve_is_monotone_and_keeps_black_and_white():
    light = np.linspace(0, 60, 4001, dtype=np.float32)
    curve = tone_mapping.srgb_from_linear(tone_mapping.filmic(light))
    assert np.all(np.diff(curve) >= 0)
    assert curve[0] == 0
    assert curve[-1] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("linear", "encoded"), [(0.0, 0.0), (0.0031308, 0.04045), (0.214041, 0.5), (1.0, 1.0)])
def test_srgb_is_the_standard(linear, encoded):
    """Source: IEC 61966-2-1."""
    assert tone_mapping.srgb_from_linear(np.array([linear], np.float32))[0] == pytest.approx(encoded, abs=1e-4)


def test_exposure_follows_a_darker_scene_but_not_all_the_way():
    noon = np.full((8, 8, 3), 0.135, np.float32)
    factors = [tone_mapping.exposure(noon * share, {}) for share in (1.0, 0.25)]
    assert 1.5 < factors[1] / factors[0] < 4.0
    manual = [tone_mapping.exposure(noon * share, {"exposure_mode": "manual"}) for share in (1.0, 0.25)]
    assert manual[0] == manual[1]
    assert tone_mapping.exposure(noon, {"exposure_compensation": "1"}) == pytest.approx(2 * factors[0])
    assert tone_mapping.exposure(noon, {"exposure_compensation": "nonsense"}) == factors[0]

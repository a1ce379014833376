"""Weather of a scene: conditions by their share, numbers within the condition's bounds."""

from collections import Counter
from typing import get_args

import numpy as np
import pytest

from hazardsim.scenario.conditions import CONDITIONS, sample_weather
from hazardsim.scenario.spec import Condition, WeatherSpec


def test_every_condition_that_a_scenario_may_name_has_its_numbers():
    assert set(get_args(Condition)) == set(CONDITIONS)
    assert {len(bounds) for bounds in CONDITIONS.values()} == {7}


def test_conditions_come_by_their_share():
    spec = WeatherSpec(conditions={"clear": 3.0, "rain": 1.0, "fog": 0.0})
    rng = np.random.default_rng(1)
    counts = Counter(sample_weather(spec, rng).condition for _ in range(600))
    assert counts["fog"] == 0
    assert counts["clear"] / 600 == pytest.approx(0.75, abs=0.06)


def test_the_sun_stays_within_the_scenarios_bounds_and_rain_is_wet():
    spec = WeatherSpec(conditions={"rain": 1.0}, sun_altitude_deg=(10.0, 20.0), sun_azimuth_deg=(90.0, 91.0))
    for seed in range(30):
        weather = sample_weather(spec, np.random.default_rng(seed))
        cloudiness, precipitation, deposits, _, azimuth, altitude = weather.values[:6]
        assert len(weather.values) == 14
        assert weather.sun_altitude_deg == altitude
        assert 10.0 <= altitude <= 20.0
        assert 90.0 <= azimuth <= 91.0
        assert cloudiness >= 60
        assert precipitation >= 30
        assert deposits >= 50


def test_clear_weather_is_dry():
    spec = WeatherSpec(conditions={"clear": 1.0})
    for seed in range(30):
        values = sample_weather(spec, np.random.default_rng(seed)).values
        assert values[1] == values[2] == values[9] == 0.0

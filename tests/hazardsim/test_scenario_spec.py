import pytest
import yaml

from hazardsim.errors import ConfigError
from hazardsim.scenario.spec import Scenario, load_scenario, scenario_from_data, scenario_names, scenario_to_data


def test_plain_data_round_trips():
    assert scenario_from_data(scenario_to_data(Scenario()), "here") == Scenario()


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_loads(name):
    assert load_scenario(name).name == name


def test_the_default_scenario_is_the_code_default():
    assert load_scenario("street-hazards") == Scenario()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wether: {}", ["wether", "did you mean weather"]),
        ("camera: {fovdeg: 90}", ["camera.fovdeg", "did you mean fov_deg"]),
        ("camera: {fov_deg: 300}", ["camera.fov_deg", "170"]),
        ("camera: {width_px: wide}", ["camera.width_px", "integer"]),
        ("weather: {conditions: {hail: 1}}", ["hail", "clear"]),
        ("weather: {conditions: {clear: 0}}", ["weather.conditions", "above 0"]),
        ("anomalies: {count: [3, 1]}", ["anomalies.count", "3", "1"]),
        ("ego: {yaw_deg: [.nan, 1]}", ["ego.yaw_deg", "finite"]),
        ("anomalies: {scale: [0, 1]}", ["anomalies.scale", "greater than 0"]),
        ("camera: [1", ["not YAML", "line 1"]),
        ("name: a\nseed: 1\nname: b", ["line 3 gives 'name' a second time"]),
        ("camera:\n  up_m: 1\n  up_m: 2", ["line 3 gives 'up_m' a second time"]),
        (b"\x89PNG\r\n\x1a\n\xff", ["not YAML", "not UTF-8"]),
        (b"a\x00b", ["not YAML", "#x0000"]),
        ("when: 2026-13-01", ["not YAML", "month"]),
        ("- 1", ["file"]),
    ],
)
def test_a_fault_is_named_in_one_line(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_scenario(str(path))
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_an_unknown_scenario_lists_the_known_ones():
    with pytest.raises(ConfigError, match="street-hazards"):
        load_scenario("streets")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="does not exist"):
        load_scenario(str(tmp_path / "none.yaml"))


def test_yaml_cannot_make_objects(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(ConfigError):
        load_scenario(str(path))


def test_yaml_dump_of_a_scenario_reads_back(tmp_path):
    path = tmp_path / "copy.yaml"
    path.write_text(yaml.safe_dump(scenario_to_data(Scenario())))
    assert load_scenario(str(path)) == Scenario()

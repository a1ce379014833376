"""What of a suite is run: other benchmarks, protocols and sizes, and a benchmark as a suite of one."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.cli import main
from ood_eval.engine.suite import load_suite, shipped_suites, suite_file
from ood_eval.errors import ConfigError
from ood_eval.options import Scoring


def test_a_benchmarks_name_is_a_suite_of_it() -> None:
    suite = load_suite("road_obstacle_21")
    (spec,) = suite.benchmarks
    assert (suite.name, spec.name, spec.track) == ("road_obstacle_21", "road_obstacle_21", "obstacle")
    real = load_suite("real")
    assert (suite.detectors, suite.protocols, suite.training) == (real.detectors, real.protocols, real.training)


@pytest.mark.parametrize("name", [name for name, entry in BENCHMARKS.items() if entry.scored is not None])
def test_every_scored_benchmark_is_a_suite(name: str) -> None:
    suite = load_suite(name)
    assert [spec.name for spec in suite.benchmarks] == [name]
    assert suite.detectors


def test_a_benchmark_of_no_suite_is_trained_on_itself_where_it_can_be() -> None:
    assert load_suite("bdd_anomaly").training.name == "bdd_anomaly"
    assert load_suite("fishyscapes_static").training.name == "streethazards"


def test_a_benchmarks_folder_can_be_said_with_it() -> None:
    assert load_suite("road_anomaly=/data/v1.0").benchmarks[0].root == Path("/data/v1.0")
    assert suite_file("road_anomaly=/data/v1.0") is None
    assert suite_file("own.yaml") == Path("own.yaml")
    assert suite_file("caos") is None


def test_what_is_given_takes_the_place_of_the_suites_own() -> None:
    given = Scoring(
        benchmarks=("road_obstacle_21", "bdd_anomaly=/data/bdd"), protocols=("rba",), size="640x360", detectors=("msp",)
    )
    suite = given.selected(load_suite("real"))
    assert [(spec.name, spec.track, spec.root) for spec in suite.benchmarks] == [
        ("road_obstacle_21", "obstacle", None),
        ("bdd_anomaly", "anomaly", Path("/data/bdd")),
    ]
    assert (suite.protocols, suite.size, [one.name for one in suite.detectors]) == (("rba",), "640x360", ["msp"])
    assert Scoring().selected(load_suite("real")) == load_suite("real")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Scoring(benchmarks=("road_anomly",)), "did you mean road_anomaly"),
        (Scoring(benchmarks=("road_anomaly", "road_anomaly")), "each only once"),
        (Scoring(protocols=("coas",)), "unknown protocol 'coas'; known are caos"),
        (Scoring(protocols=("caos", "caos")), "each only once"),
        (Scoring(size="640"), "must be native, training or WIDTHxHEIGHT"),
        (Scoring(size="640x8"), "must be native, training or WIDTHxHEIGHT"),
    ],
)
def test_a_wrong_choice_is_named(given: Scoring, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        given.selected(load_suite("real"))


def test_a_set_for_training_alone_is_no_suite() -> None:
    suite = load_suite("cityscapes")
    from ood_eval.engine.campaign import scored_split

    with pytest.raises(ConfigError, match="can only be trained on"):
        scored_split(suite.benchmarks[0].name)


def test_shipped_suites_are_scored_at_the_training_size() -> None:
    assert {load_suite(name).size for name in shipped_suites()} == {"training"}
    assert dataclasses.replace(load_suite("caos"), size="native").size == "native"


def test_a_suite_that_is_shown_is_the_suite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*shipped_suites(), "bdd_anomaly"):
        monkeypatch.setattr(sys, "argv", ["ood_eval", "suites", "show", name])
        assert main() == 0
        (tmp_path / "own.yaml").write_text(capsys.readouterr().out)
        assert load_suite(str(tmp_path / "own.yaml")) == load_suite(name)


def test_the_schema_knows_every_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ood_eval", "suites", "schema"])
    assert main() == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(schema["properties"]) == {field.name for field in dataclasses.fields(load_suite("caos"))}
    monkeypatch.setattr(sys, "argv", ["ood_eval", "suites", "list"])
    assert main() == 0
    assert all(name in capsys.readouterr().out for name in shipped_suites()[:1])


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"\x89PNG\r\n\x1a\n", b"a: \xff"])
def test_a_binary_suite_is_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"s\.yaml: not YAML") as raised:
        load_suite(str(tmp_path / "s.yaml"))
    assert "\n" not in str(raised.value)

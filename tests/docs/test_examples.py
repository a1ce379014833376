"""Every example runs as it stands, on the data set and the run of the first tutorial."""

import os
import runpy
import subprocess
import sys

import pytest

from hazardsim.user_cache import cache_root
from tests.docs.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("docs")]


@pytest.fixture
def example(first, monkeypatch, capsys):
    """Runs an example in this process; what it printed."""
    monkeypatch.chdir(first)

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_has_its_test():
    here = (ROOT / "tests/docs/test_examples.py").read_text()
    assert not [path.stem for path in ROOT.glob("examples/*.py") if path.stem not in here]


def test_a_detector_of_ones_own(example):
    assert "the contract holds" in example("own_detector")


def test_a_scene_is_rendered_from_python(example, crossing, first):
    assert "m away on average" in example("render_a_scene", "out/scene", crossing)
    assert (first / "out/scene/anomalies-1.png").is_file()


def test_a_torch_model_of_ones_own(example, first):
    assert "AUROC of MaxLogit 0." in example("own_torch_model", "data/first", "out/own-model")
    assert (first / "out/own-model/report/index.html").is_file()


def test_a_town_of_ones_own(example, first):
    example("own_town")
    assert len(list((first / "out/own-town/data/test/images").rglob("*.png"))) == 2


def test_an_anomaly_of_ones_own(example, first, crossing, monkeypatch):
    (first / "cache").mkdir()
    (first / "cache/derived").symlink_to(cache_root() / "derived")  # what only costs time to make again
    monkeypatch.setenv("HAZARDSIM_CACHE", str(first / "cache"))
    example("own_anomaly", crossing)
    (line,) = (first / "out/own-anomaly/data/test/test.jsonl").read_text().splitlines()
    assert '"asset_id":"saucer"' in line.replace(" ", "")


def test_read_with_pytorch_ood(example):
    said = example("read_with_pytorch_ood", "data/first")
    assert said.count("128x72") == 3
    assert "0.00%" not in said


def test_a_segmenter_is_trained(example):
    assert "known pixels" in example("train_a_segmenter", "data/first", "out/segmenter", 1)


def test_score_maps_made_elsewhere_are_evaluated(example, first):
    example("evaluate_score_maps", "data/first", "out/colour")
    assert "colourfulness" in (first / "out/colour/numbers/report/report.md").read_text()


def test_rows_are_plotted(example, first):
    assert "detectors: out/rows.png" in example("plot_rows", "runs/first", "out/rows.png")
    assert (first / "out/rows.png").read_bytes().startswith(b"\x89PNG")


def test_a_plain_carla_script_drives_the_embedded_server(tmp_path, crossing):
    from hazardsim.jobs.supervision import embedded_server

    with embedded_server(str(crossing), ("--samples", "1")) as server:
        command = [sys.executable, ROOT / "examples/carla_client.py", server.port, tmp_path, "3"]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, timeout=200, check=False, env=os.environ
        )
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.png"))) == 3

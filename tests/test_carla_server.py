"""The same command against a real CARLA server: HAZARDSIM_CARLA_SERVER=HOST:PORT names one, else this is skipped."""

import os
import subprocess
import sys

import pytest

from hazardsim.dataset.reader import read_split

SERVER = os.environ.get("HAZARDSIM_CARLA_SERVER", "")
TOWN = os.environ.get("HAZARDSIM_CARLA_TOWN", "Town01")

pytestmark = [
    pytest.mark.carla,
    pytest.mark.slow,
    pytest.mark.skipif(not SERVER, reason="HAZARDSIM_CARLA_SERVER names no CARLA server"),
]


def test_a_frame_of_ordinary_traffic_comes_through(tmp_path):
    """Without anomalies, which a server must have been given as cooked meshes first."""
    size = ("--width", "320", "--height", "180")
    command = ("render", "--server", SERVER, "--town", TOWN, "--split", "training", "--frames", "1", *size)
    result = subprocess.run(
        [sys.executable, "-m", "hazardsim.cli", *command, "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    (frame,) = read_split(tmp_path, "training")
    labels, depth = frame.labels(), frame.depth()
    assert frame.rgb().shape == (180, 320, 3)
    assert frame.rgb().std() > 5
    assert {int(v) for v in labels.ravel()} & {8, 7}, "neither road nor road line in sight"
    assert int(labels.max()) < 14
    assert 0 < depth.min() < depth.max() <= 2**24 - 1
    assert frame.record["versions"]["server"] == frame.record["versions"]["client"]

"""A run that is killed with SIGKILL at random moments and started again ends as one that nobody disturbed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.engine.row import read_rows
from ood_eval.files import read_json
from ood_eval.networks import PyramidConfig, build_segmenter, save_segmenter
from tests.ood_eval.conftest import write_street_hazards

KILLS, SEED = 3, 0
# Shards of one image, which takes a moment longer; the heavy packages are there before the clock starts.
SCRIPT = """
import sys, time
from ood_eval.cli import main
from ood_eval.engine import campaign, scoring
from ood_eval.report import write
scoring.SHARD_SECONDS = -1.0
real = scoring.Pass._count
scoring.Pass._count = lambda self, *rest: (time.sleep(0.1), real(self, *rest))
print("ready", flush=True)
sys.exit(main())
"""
DERIVED = ("images.jsonl", "curves.json", "thresholds.json", "segmenter.json", "cells.json")


def run(data: Path, out: Path, kill_after_s: float | None = None) -> tuple[int, float]:
    """Exit status of a run, and the seconds it took once its packages were loaded."""
    command = [sys.executable, "-c", SCRIPT, "run-caos", "--data", str(data), "--out", str(out)]
    command += ["--checkpoint", str(data.parent / "s.pt"), "--detectors", "msp", "knn"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (data.parent / "stderr.txt").open("w") as errors:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, start_new_session=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", (data.parent / "stderr.txt").read_text()
        started = time.monotonic()
        try:
            child.communicate(timeout=100.0 if kill_after_s is None else kill_after_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    return child.returncode, time.monotonic() - started


def results(out: Path) -> dict[str, object]:
    """All that a run has found, without the seconds it spent."""
    folder = out / "evaluations" / read_json(out / "run.json")["evaluations"][0]["key"]
    rows = [(r.detector, r.protocol, r.metric, r.value, r.low, r.high, r.images, r.pixels, r.provenance) for r in
            read_rows(folder / "rows.jsonl")]  # fmt: skip
    files = {name: (folder / name).read_bytes() for name in DERIVED}
    frames = {path.name: path.read_bytes() for path in (folder / "gallery").iterdir()}
    together = {name: (out / name).read_bytes() for name in ("summary.jsonl", "comparisons.jsonl", "run.json")}
    return {"rows": rows, "key": folder.name, "frames": frames} | files | together


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_alike(tmp_path: Path) -> None:
    data = write_street_hazards(tmp_path / "streethazards", counts=(4, 2, 8))
    tiny = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
    save_segmenter(tmp_path / "s.pt", build_segmenter(tiny, StreetHazards.class_names, "none", 0), tiny)
    status, seconds = run(data, tmp_path / "whole")
    assert status == 0, (tmp_path / "stderr.txt").read_text()
    moments_s = seconds * np.random.default_rng(SEED).uniform(0.1, 0.9, KILLS)
    ended = [run(data, tmp_path / "killed", float(moment_s))[0] for moment_s in moments_s]
    assert ended[0] == -signal.SIGKILL
    assert run(data, tmp_path / "killed")[0] == 0, (tmp_path / "stderr.txt").read_text()
    assert results(tmp_path / "killed") == results(tmp_path / "whole")
    assert not list((tmp_path / "killed").rglob(".*.part"))
    assert not list((tmp_path / "killed" / "unfinished").rglob("*.npz"))

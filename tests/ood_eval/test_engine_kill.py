"""A run that is killed with SIGKILL at random moments and started again ends as one that nobody disturbed."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.engine.row import read_rows
from ood_eval.files import read_json
from ood_eval.networks import PyramidConfig, build_segmenter, save_segmenter
from tests.ood_eval.conftest import write_street_hazards

KILLS, SEED = 3, 0
# Shards of one image, which takes a moment longer.
SLOWER = """
import time
from ood_eval.engine import scoring
scoring.SHARD_SECONDS = -1.0
real = scoring.Pass._count
scoring.Pass._count = lambda self, *rest: (time.sleep(0.1), real(self, *rest))
"""
DERIVED = ("images.jsonl", "curves.json", "thresholds.json", "segmenter.json", "cells.json")


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
def test_a_killed_run_goes_on_and_ends_alike(tmp_path: Path, ood_eval: Callable) -> None:
    data = write_street_hazards(tmp_path / "streethazards", counts=(4, 2, 8))
    tiny = PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False)
    save_segmenter(tmp_path / "s.pt", build_segmenter(tiny, StreetHazards.class_names, "none", 0), tiny)
    words = ["run-caos", "--data", data, "--checkpoint", tmp_path / "s.pt", "--detectors", "msp", "knn", "--out"]
    whole = ood_eval(*words, tmp_path / "whole", before=SLOWER)
    assert whole.returncode == 0, whole.stderr
    killed = tmp_path / "killed"
    moments_s = whole.seconds * np.random.default_rng(SEED).uniform(0.1, 0.9, KILLS)
    ended = [ood_eval(*words, killed, before=SLOWER, kill_after_s=float(at)).returncode for at in moments_s]
    assert ended[0] == -signal.SIGKILL
    last = ood_eval(*words, killed, before=SLOWER)
    assert last.returncode == 0, last.stderr
    assert results(killed) == results(tmp_path / "whole")
    assert not list(killed.rglob(".*.part"))
    assert not list((killed / "unfinished").rglob("*.npz"))

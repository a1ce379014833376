"""A StreetHazards folder in miniature: drawn streets whose classes can be learned and whose anomalies are strange."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

BUILDING, FENCE, PEDESTRIAN, POLE, LINE, ROAD, SIDEWALK, VEGETATION, CAR = 2, 3, 5, 6, 7, 8, 9, 10, 11
SKY, ANOMALY = 1, 14
ROOT = Path(__file__).parents[2]
# Miniature networks are slower on several threads than on one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
COLOURS = {
    SKY: (150, 190, 235),
    BUILDING: (120, 95, 80),
    FENCE: (180, 150, 60),
    PEDESTRIAN: (200, 60, 110),
    POLE: (70, 75, 80),
    LINE: (235, 235, 220),
    ROAD: (85, 85, 90),
    SIDEWALK: (165, 160, 155),
    VEGETATION: (60, 120, 50),
    CAR: (40, 60, 150),
}


def draw_street(
    rng: np.random.Generator, size: tuple[int, int], *, anomaly: bool
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """An image [H,W,3] u8 and its raw labels [H,W] u8 of size (H, W)."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    horizon, centre = int(height * rng.uniform(0.4, 0.5)), width * rng.uniform(0.4, 0.6)
    labels = np.full(size, SKY, dtype=np.uint8)
    for left in range(0, width, max(width // 6, 1)):
        top = int(horizon * rng.uniform(0.2, 0.9))
        labels[top:horizon, left : left + width // 6] = BUILDING if rng.random() < 0.7 else VEGETATION
    depth = np.clip((rows - horizon) / (height - horizon), 0.0, 1.0)
    across = np.abs(columns - centre)
    labels[rows >= horizon] = SIDEWALK
    labels[(rows >= horizon) & (across < (0.08 + 0.4 * depth) * width)] = ROAD
    labels[(rows >= horizon) & (across < 0.012 * width * depth + 0.5) & (rows // max(height // 12, 1) % 2 == 0)] = LINE
    for _ in range(int(rng.integers(1, 4))):
        base, x = int(rng.uniform(horizon + 3, height * 0.95)), int(rng.uniform(0, width))
        grown = (base - horizon) / (height - horizon) + 0.2
        kind, tall, wide = ((CAR, 0.16, 0.14), (POLE, 0.5, 0.012), (PEDESTRIAN, 0.2, 0.03))[int(rng.integers(3))]
        top, half = int(base - tall * grown * height), max(int(wide * grown * width / 2), 1)
        labels[max(top, 0) : base, max(x - half, 0) : x + half] = kind
    image = np.array([COLOURS.get(value, (0, 0, 0)) for value in range(15)], dtype=float)[labels]
    if anomaly:
        radius = height * rng.uniform(0.08, 0.14)
        y, x = rng.uniform(horizon + radius, height - radius), rng.uniform(0.25, 0.75) * width
        inside = (rows - y) ** 2 + ((columns - x) * 0.8) ** 2 < radius**2
        labels[inside] = ANOMALY
        stripes = np.where(((rows + columns) // 3 % 2 == 0)[..., None], (250, 30, 220), (30, 250, 200))
        image[inside] = stripes[inside]
    image += rng.normal(0.0, 8.0, size=(height, width, 1)) + rng.normal(0.0, 10.0, size=3)
    return np.clip(image, 0, 255).astype(np.uint8), labels


def write_street_hazards(
    root: Path, counts: tuple[int, int, int] = (6, 2, 4), size: tuple[int, int] = (48, 80), seed: int = 0
) -> Path:
    """Writes a set in the public layout; counts are of training, validation and test."""
    rng = np.random.default_rng(seed)
    splits = (("training", "train", "t1-3"), ("validation", "train", "t4"), ("test", "test", "t5"))
    for (split, top, town), count in zip(splits, counts, strict=True):
        records = []
        for number in range(1, count + 1):
            image, labels = draw_street(rng, size, anomaly=split == "test")
            names = {key: f"{key}/{split}/{town}/{number}.png" for key in ("images", "annotations")}
            for key, array in (("images", image), ("annotations", labels)):
                path = root / top / names[key]
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
            record = {"dbName": "StreetHazards", "width": size[1], "height": size[0]}
            records.append(record | {"fpath_img": names["images"], "fpath_segm": names["annotations"]})
        index = {"training": "train", "validation": "validation", "test": "test"}[split]
        (root / top / f"{index}.odgt").write_text(json.dumps(records))
    return root


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """A fresh miniature set that a test may damage."""
    return write_street_hazards(tmp_path / "streethazards")


@pytest.fixture(scope="session")
def shared_streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature set that no test may change."""
    return write_street_hazards(tmp_path_factory.mktemp("shared") / "streethazards")


@pytest.fixture(scope="session")
def finished_run(shared_streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one whole run of the command line on the miniature set, in a child process."""
    out = tmp_path_factory.mktemp("run") / "out"
    options = ["--preset", "small", "--encoder", "tu-test_resnet", "--epochs", "2", "--batch-size", "2"]
    command = [sys.executable, "-c", "import sys; from ood_eval.cli import main; sys.exit(main())", "run-caos"]
    done = subprocess.run(
        [*command, "--data", str(shared_streets), "--out", str(out), *options],
        capture_output=True,
        text=True,
        cwd=out.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (out.parent / "stdout.txt").write_text(done.stdout)
    (out.parent / "stderr.txt").write_text(done.stderr)
    return out


@pytest.fixture(scope="session")
def _warm() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.ood_eval.warm_process"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def ood_eval(_warm: subprocess.Popen[str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line in a process of its own that need not load the packages first.

    `before` is Python that it executes before, `kill_after_s` sends it and all of its children SIGKILL; `seconds` of
    the result is how long it ran.
    """

    def run(
        *arguments: object, cwd: Path = tmp_path, before: str = "", kill_after_s: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in arguments]
        files = {name: str(tmp_path / f".{name}") for name in ("stdout", "stderr")}
        request = {"arguments": words, "cwd": str(cwd), "before": before} | files
        assert _warm.stdin is not None
        assert _warm.stdout is not None
        _warm.stdin.write(json.dumps(request) + "\n")
        _warm.stdin.flush()
        process, started = int(_warm.stdout.readline()), time.monotonic()
        with selectors.DefaultSelector() as answered:
            answered.register(_warm.stdout, selectors.EVENT_READ)
            if not answered.select(100.0 if kill_after_s is None else kill_after_s):
                os.killpg(process, signal.SIGKILL)
        status = int(_warm.stdout.readline())
        shown = {name: Path(path).read_text() for name, path in files.items()}
        done = subprocess.CompletedProcess(words, status, **shown)
        done.seconds = time.monotonic() - started
        return done

    return run

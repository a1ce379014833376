"""From Python: score maps of images, whole benchmarks, versions; and nothing heavy before it is asked for."""

import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import hazardsim
import ood_eval
from ood_eval import evaluate, load_segmenter, score
from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.errors import ConfigError, DataError, DetectorError
from ood_eval.networks import Prediction, Segmenter, images_from_rgb


class Small(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 5, stride=4, padding=2), nn.ReLU())
        self.head = nn.Conv2d(6, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.body(images))


@pytest.fixture
def segmenter() -> Segmenter:
    torch.manual_seed(0)
    return load_segmenter(Small(13), classes="streethazards", features_layer="body")


PICTURES = [np.random.default_rng(seed).integers(0, 256, (20 + seed, 31, 3), dtype=np.uint8) for seed in (0, 1)]


def test_score_maps_are_those_of_the_detectors(segmenter: Segmenter, tmp_path: Path) -> None:
    (found, other) = score(segmenter, PICTURES, detectors=["msp", "energy(temperature=2)+blur"])
    assert (found.id, other.id) == ("0", "1")
    assert list(found.scores) == ["msp", "energy(temperature=2)+blur(7,1)"]
    expected = build_detector("msp", {}, DETECTORS).score(Prediction.of(segmenter, images_from_rgb(PICTURES[0])))
    assert np.array_equal(found["msp"], expected[0].numpy())
    assert found["msp"].dtype == np.float32
    assert (other["msp"].shape, other.image.shape) == ((21, 31), (21, 31, 3))
    for number, picture in enumerate(PICTURES):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no image")
    from_folder = list(score(segmenter, tmp_path))
    assert [one.id for one in from_folder] == ["0", "1"]
    assert np.array_equal(from_folder[0]["msp"], found["msp"])
    assert np.array_equal(next(score(segmenter, tmp_path / "0.png"))["msp"], found["msp"])
    assert np.array_equal(next(score(segmenter, PICTURES[0]))["msp"], found["msp"])


def test_pictures_larger_than_those_of_training_are_shrunk_unless_the_size_is_given(segmenter: Segmenter) -> None:
    def mean_msp(size: str) -> float:
        return float(next(score(segmenter, PICTURES[0], ["msp"], size=size))["msp"].mean())

    assert mean_msp("training") == mean_msp("native")  # nobody knows what it was trained on
    segmenter.trained_px = (16, 16)
    assert mean_msp("training") == mean_msp("16x16") != mean_msp("native")
    assert next(score(segmenter, PICTURES[0]))["msp"].shape == (20, 31)
    with pytest.raises(ConfigError, match="must be native, training or WIDTHxHEIGHT"):
        next(score(segmenter, PICTURES[0], size="large"))


def test_score_fits_on_a_split_that_is_given(segmenter: Segmenter, shared_streets: Path) -> None:
    training, test = StreetHazards(shared_streets, "training"), StreetHazards(shared_streets, "test")
    (found, *others) = score(segmenter, test, detectors=["mahalanobis", "kl_matching"], fit_on=training)
    assert len(others) == len(test) - 1
    assert found.id == test[0].id
    assert set(found.scores) == {"mahalanobis", "kl_matching"}
    with pytest.raises(DetectorError, match="mahalanobis: must see a training split"):
        next(score(segmenter, test, detectors=["mahalanobis"]))
    with pytest.raises(DetectorError, match="branch: trains a network of its own"):
        next(score(segmenter, test, detectors=["branch"], fit_on=training))


def test_what_cannot_be_scored_is_named(segmenter: Segmenter, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        next(score(segmenter, tmp_path))
    with pytest.raises(DataError, match="no such picture"):
        next(score(segmenter, tmp_path / "none.png"))
    with pytest.raises(DataError, match="sample 0: image is float64"):
        next(score(segmenter, [np.zeros((4, 4, 3))]))  # type: ignore[list-item]
    with pytest.raises(ConfigError, match="--device meta"):
        next(score(segmenter, PICTURES, device="meta"))
    with pytest.raises(DetectorError, match="unknown detector 'maxlogits'"):
        next(score(segmenter, PICTURES, detectors=["maxlogits"]))


def test_a_benchmark_is_evaluated_with_rows_and_a_report(
    segmenter: Segmenter, shared_streets: Path, tmp_path: Path
) -> None:
    found = evaluate(
        segmenter,
        "streethazards",
        root=shared_streets,
        detectors=["msp", "maxlogit"],
        protocols=["dataset"],
        out=tmp_path / "out",
    )
    assert found.report.is_file()
    assert {row.detector for row in found.rows} >= {"msp", "maxlogit", "segmenter"}
    assert found.value("msp", "auroc") == found.value("msp", "auroc", "dataset")
    assert 0 <= found.value("segmenter", "miou") <= 1
    with pytest.raises(KeyError):
        found.value("energy", "auroc")
    again = evaluate(
        segmenter,
        "streethazards",
        root=shared_streets,
        detectors=["msp", "maxlogit"],
        protocols=["dataset"],
        out=tmp_path / "out",
    )
    assert repr(again.rows) == repr(found.rows)


@pytest.mark.parametrize("package", [ood_eval, hazardsim])
def test_what_a_package_offers_is_there_and_documented(package: types.ModuleType) -> None:
    assert {"__version__", *package.__all__} <= set(dir(package))
    for name in package.__all__:
        found = getattr(package, name)
        assert name == "__version__" or found.__doc__
    assert re.fullmatch(r"\d+\.\d+\S*", package.__version__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("package", ["ood_eval", "hazardsim"])
def test_a_package_runs_as_a_module_and_tells_its_version_with_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print(*sorted({{n.partition('.')[0] for n in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"torch", "numpy", "carla", "mitsuba", "tyro"}.isdisjoint(loaded)
    done = subprocess.run(
        [sys.executable, "-m", package, "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    version = getattr(ood_eval, "__version__")  # noqa: B009
    assert (done.returncode, done.stdout) == (0, f"{package} {version}\n")

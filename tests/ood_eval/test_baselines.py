"""What sees no network: the formulas, and a run in which it stands beside the detectors but in none of their ranks."""

import colorsys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.detectors import DETECTORS, Detector, build_detector
from ood_eval.engine.bootstrap import Comparison
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.row import read_rows
from ood_eval.engine.scoring import judges
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite, load_suite
from ood_eval.errors import ConfigError
from ood_eval.files import read_json
from ood_eval.networks import CheckpointFile, Prediction, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.networks.prediction import Source
from ood_eval.report.result import read_results
from ood_eval.store import read_lines
from ood_eval.tasks.image_record import ImageRecord

STREETS = BenchmarkSpec("streethazards")
BASELINES = ("centre_prior", "saturation")


class Nothing:
    """No network: it gives nothing, and asked for a prediction, it fails."""

    gives: frozenset[str] = frozenset()


def prediction_of(images: torch.Tensor) -> Prediction:
    """A prediction whose logits say nothing."""
    batch, _, *size = images.shape
    logits = torch.full((batch, 2, *size), float("nan"))
    return Prediction(logits, logits[:, :0], source=Source(images, Nothing()))  # type: ignore[arg-type]


def test_the_centre_prior_falls_with_the_distance_from_its_point() -> None:
    (scores,) = DETECTORS["centre_prior"]().score(prediction_of(torch.zeros(1, 3, 50, 80, dtype=torch.uint8))).numpy()
    down, across = np.unravel_index(scores.argmax(), scores.shape)
    assert (down, across) in {(29, 39), (29, 40), (30, 39), (30, 40)}
    for place in ((0, 0), (49, 79), (12, 70), (30, 3)):
        y, x = ((place[0] + 0.5) / 50 - 0.6) * 2, ((place[1] + 0.5) / 80 - 0.5) * 2
        assert scores[place] == pytest.approx(-np.hypot(x, y), abs=1e-6)
    np.testing.assert_allclose(scores, scores[:, ::-1], atol=1e-6, err_msg="left and right are not alike")


def test_saturation_is_that_of_hsv_under_a_gaussian() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 200, 3), dtype=np.uint8)
    image[:5, :5] = 0
    scores = DETECTORS["saturation"]().score(prediction_of(torch.from_numpy(image).permute(2, 0, 1)[None]))[0].numpy()
    plain = np.array([[colorsys.rgb_to_hsv(*(pixel / 255.0))[1] for pixel in line] for line in image])
    expected = cv2.GaussianBlur(plain, (13, 13), 2.0, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, -1.0, 0.3])
def test_a_saturation_without_a_blur_is_refused(sigma: float) -> None:
    with pytest.raises(ConfigError, match="sigma is a share of the width"):
        build_detector("saturation", {"sigma": sigma}, DETECTORS)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (37, 53)])
@pytest.mark.parametrize("name", BASELINES)
def test_baselines_score_any_size(name: str, size: tuple[int, int]) -> None:
    images = torch.randint(0, 256, (2, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    scores = DETECTORS[name]().score(prediction_of(images))
    assert scores.shape == (2, *size)
    assert scores.isfinite().all()


def test_every_shipped_suite_has_them_whatever_detectors_are_asked_for() -> None:
    for name in ("caos", "real", "streethazards-mini"):
        suite = load_suite(name)
        assert tuple(spec.label for spec in suite.baselines) == BASELINES
        assert tuple(spec.label for spec in suite.with_detectors(["msp"]).scored) == ("msp", *BASELINES)
    asked = load_suite("caos").with_detectors(["saturation", "msp"])
    assert tuple(spec.label for spec in asked.scored) == ("saturation", "msp", "centre_prior")


def test_images_are_chosen_by_detectors_not_by_baselines() -> None:
    every: dict[str, Detector] = {name: DETECTORS[name]() for name in ("msp", *BASELINES)}
    assert judges(every) == ["msp"]
    assert judges({name: every[name] for name in BASELINES}) == list(BASELINES)
    assert build_detector("centre_prior+flip", {}, DETECTORS).baseline


def test_a_run_holds_baselines_and_chance_apart(shared_streets: Path, tmp_path: Path) -> None:
    shape = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
    save_segmenter(tmp_path / "s.pt", build_segmenter(shape, StreetHazards.class_names, "none", 0), shape)
    specs = tuple(map(DetectorSpec, ("msp", "energy")))
    suite = Suite(
        "s", (STREETS,), specs, STREETS, ("caos", "dataset", "smiyc"), 2,
        baselines=tuple(map(DetectorSpec, BASELINES)),
    )  # fmt: skip
    out = Campaign(suite, shared_streets, lambda *_: CheckpointFile(tmp_path / "s.pt"), (None,)).run(tmp_path / "out")
    run = read_json(out / "run.json")
    assert run["baselines"] == list(BASELINES)
    folder = out / "evaluations" / run["evaluations"][0]["key"]
    rows = {(row.detector, row.protocol, row.metric): row for row in read_rows(folder / "rows.jsonl")}
    assert {name for name, _, _ in rows} == {"msp", "energy", *BASELINES, "chance", "segmenter"}
    records = list(read_lines(folder / "images.jsonl", ImageRecord))
    assert all(record.values.keys() == {"msp", "energy", *BASELINES} for record in records)
    shares = [one.anomalous / (one.anomalous + one.known) for one in records if one.anomalous]
    assert rows["chance", "caos", "aupr"].value == pytest.approx(np.mean(shares))
    anomalous, known = (sum(getattr(one, kind) for one in records) for kind in ("anomalous", "known"))
    assert rows["chance", "dataset", "aupr"].value == anomalous / (anomalous + known)
    assert (rows["chance", "smiyc", "auroc"].value, rows["chance", "smiyc", "fpr95"].value) == (0.5, 0.95)
    assert ("chance", "smiyc", "siou") not in rows
    compared = list(read_lines(out / "comparisons.jsonl", Comparison))
    assert {(one.one, one.other) for one in compared} == {("msp", "energy")}
    (result,) = read_results(out)
    assert result.detectors == ("msp", "energy")
    assert set(result.references) == {"chance", *BASELINES}
    assert result.drawn.keys() == {"msp", "energy"}
    assert (result.label, result.suite, result.folder) == ("streethazards", "s", str(out))

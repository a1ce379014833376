"""Pictures scored at another size than their own: explicit, recorded, and back at the labels' size."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets.class_map import ClassMap, class_map
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine.evaluation import Evaluation
from ood_eval.engine.row import read_rows
from ood_eval.engine.scoring import Instruments
from ood_eval.engine.scoring_size import ScoringSize
from ood_eval.engine.suite import BenchmarkSpec, DetectorSpec, Suite
from ood_eval.errors import DetectorError
from ood_eval.networks import (
    CheckpointFile,
    Prediction,
    PyramidConfig,
    build_segmenter,
    images_from_rgb,
    load_segmenter,
    save_segmenter,
)
from ood_eval.networks.averaged import resized
from ood_eval.networks.prediction import resized_maps
from ood_eval.tasks import TASKS

TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
STREETS = BenchmarkSpec("streethazards")
CLASSES: ClassMap = class_map(StreetHazards.class_names, StreetHazards.class_names)


def checkpoint(folder: Path, trained_px: tuple[int, int] | None) -> Path:
    segmenter = build_segmenter(TINY, StreetHazards.class_names, "none", 0)
    segmenter.trained_px = trained_px
    save_segmenter(folder / "s.pt", segmenter, TINY)
    return folder / "s.pt"


def evaluation(root: Path, path: Path, size: str) -> Evaluation:
    suite = Suite("s", (STREETS,), (DetectorSpec("msp"),), STREETS, ("caos",), 2, size=size)
    test = StreetHazards(root, "test")
    return Evaluation(suite, STREETS, CheckpointFile(path), test, {}, "keep_all", None, CLASSES)


@pytest.mark.parametrize(
    ("text", "trained", "said", "factor"),
    [
        ("native", (640, 360), "native", 1.0),
        ("training", (640, 360), "at most 640x360", 0.5),
        ("training", (1920, 1080), "at most 1920x1080", 1.0),
        ("1920x1080", None, "1920x1080", 1.5),
        ("training", None, "native", 1.0),
        ("320x240", None, "320x240", 0.25),
    ],
)
def test_a_picture_is_made_to_fit(text: str, trained: tuple[int, int] | None, said: str, factor: float) -> None:
    size = ScoringSize.of(text, trained)
    assert (str(size), size.factor(720, 1280)) == (said, factor)


def test_a_checkpoint_tells_the_size_of_its_training(tmp_path: Path) -> None:
    assert load_segmenter(checkpoint(tmp_path, (40, 24))).trained_px == (40, 24)
    assert load_segmenter(checkpoint(tmp_path, None)).trained_px is None


def test_score_maps_return_to_the_labels_size_and_labels_stay(shared_streets: Path, tmp_path: Path) -> None:
    segmenter = load_segmenter(checkpoint(tmp_path, None))
    split, task, msp = StreetHazards(shared_streets, "test"), TASKS["pixel"], build_detector("msp", {}, DETECTORS)
    item = task.item(split, 0)
    half = Instruments(segmenter, {"msp": msp}, CLASSES, ScoringSize((40, 24)))
    prediction = half.predict(item)
    assert prediction.size == (24, 40)
    small = Prediction.of(segmenter, resized(images_from_rgb(item.sample.image), 0.5))
    expected = resized_maps(msp.score(small)[:, None], (48, 80))[0, 0].numpy()
    np.testing.assert_array_equal(half.scores("msp", prediction, item), expected)
    classes = resized_maps(small.logits, (48, 80)).argmax(dim=1)[0].numpy()
    np.testing.assert_array_equal(task.segmented(item, prediction, CLASSES).predicted, classes)
    assert item.anomaly.shape == (48, 80)


def test_the_own_size_gives_the_same_numbers_however_it_is_said(shared_streets: Path, tmp_path: Path) -> None:
    path, values = checkpoint(tmp_path, (80, 48)), {}
    for size in ("native", "training", "80x48", "40x24"):
        folder = evaluation(shared_streets, path, size).run(tmp_path / "out")
        rows = read_rows(folder / "rows.jsonl")
        values[size] = [dataclasses.replace(row, seconds=0.0, provenance=None) for row in rows]  # type: ignore[arg-type]
        assert {row.provenance.size for row in rows} == {size.replace("training", "at most 80x48")}
    assert values["native"] == values["training"] == values["80x48"]
    assert values["40x24"] != values["native"]


def test_cells_of_other_sizes_are_others(shared_streets: Path, tmp_path: Path) -> None:
    path = checkpoint(tmp_path, (80, 48))
    keys = {size: evaluation(shared_streets, path, size).cells[1].key for size in ("native", "training", "80x48")}
    assert len(set(keys.values())) == 3
    assert evaluation(shared_streets, path, "training").cells[1].key == keys["training"]


def test_a_checkpoint_that_does_not_say_is_scored_at_the_own_size_with_a_line(
    shared_streets: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert str(evaluation(shared_streets, checkpoint(tmp_path, None), "training")._size) == "native"
    assert "does not say at what size it was trained; pictures are scored as they are" in caplog.text


def test_a_wrong_map_is_not_resized_in_silence(shared_streets: Path, tmp_path: Path) -> None:
    segmenter = load_segmenter(checkpoint(tmp_path, None))
    task = TASKS["pixel"]
    item = task.item(StreetHazards(shared_streets, "test"), 0)
    wrong = build_detector("msp", {}, DETECTORS)
    wrong.score = lambda _: torch.zeros(1, 7, 9)  # type: ignore[method-assign]
    half = Instruments(segmenter, {"msp": wrong}, CLASSES, ScoringSize((40, 24)))
    with pytest.raises(DetectorError, match=r"msp on t5/1: scores have shape \(1, 7, 9\), not \(1, 24, 40\)"):
        half.scores("msp", half.predict(item), item)

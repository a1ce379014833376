"""Whatever somebody's detector does wrong in a run is one line with its name, the image and the place; others go on."""

import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ood_eval.datasets.sample import Sample
from ood_eval.detectors import DETECTORS, Detector, build_detector, check_detector
from ood_eval.detectors.guard import guarded_scores
from ood_eval.detectors.small_networks import small_segmenter
from ood_eval.engine.fitting import fit_detectors
from ood_eval.errors import DetectorError, in_one_line
from ood_eval.networks import Prediction


@pytest.fixture
def prediction() -> Prediction:
    images = torch.randint(0, 256, (1, 3, 12, 20), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Prediction.of(small_segmenter(), images)


def _own(act: Callable[[Prediction], object]) -> Detector:
    class Own(Detector):
        reads = frozenset({"logits", "map", "features", "images", "network"})

        def score_map(self, prediction: Prediction) -> Tensor:
            return act(prediction)  # type: ignore[return-value]

    return Own()


def _boom(prediction: Prediction) -> Tensor:
    raise ValueError("no\nsuch axis")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (_boom, r"breaks with ValueError: no such axis \(.*test_detectors_guard.py:\d+\)$"),
        (lambda p: torch.zeros(2, 3) @ torch.zeros(2, 3), r"breaks with RuntimeError: .*\(.*guard.py:\d+\)$"),
        (lambda p: p.top[0].numpy(), r"scores are ndarray, not a torch.Tensor; return torch.from_numpy\(scores\)$"),
        (lambda p: None, "scores are NoneType, not a torch.Tensor$"),
        (lambda p: p.top[0][0], r"scores have shape \(12, 20\), not \(1, 12, 20\)$"),
        (lambda p: p.top[0].double(), r"scores are float64, not float32; return scores.float\(\)$"),
        (lambda p: (p.top[0] * 0.0).log() * p.top[0], "scores hold NaN or infinity, in 240 of 240 places$"),
        (lambda p: p.queries.nothing, "breaks with AttributeError: 'Queries' object has no attribute 'nothing'"),
    ],
)
def test_what_a_detector_does_wrong_is_one_line_with_its_name_and_the_image(
    prediction: Prediction, act: Callable[[Prediction], object], message: str
) -> None:
    with pytest.raises(DetectorError, match=message) as found:
        guarded_scores(_own(act), "mine:Own", prediction, "t5/17")
    assert str(found.value).startswith("mine:Own on t5/17: ")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: p.logits.zero_(),
        lambda p: p.features.zero_(),
        lambda p: p.log_probabilities.zero_(),
        lambda p: p.top[1].zero_(),
        lambda p: p.images.zero_(),
        lambda p: p.queries.masks.zero_(),
        lambda p: p.source.views.update(flip=None),
    ],
)
@pytest.mark.parametrize("steps", ["", "+blur"])
def test_a_detector_that_writes_on_what_it_is_given_harms_no_other(
    prediction: Prediction, spoil: Callable[[Prediction], object], steps: str
) -> None:
    def act(given: Prediction) -> Tensor:
        with torch.inference_mode():
            spoil(given)
            return given.logits.mean(dim=1)

    names = ("msp", "energy+flip", "odin", "background")
    ours = {name: build_detector(name, {}, DETECTORS) for name in names}
    before = {name: one.score(prediction) for name, one in ours.items()}
    mine = build_detector(f"own{steps}", {}, {"own": type(_own(act))})  # type: ignore[arg-type]
    guarded_scores(mine, "mine:Own", prediction, "t5/17")
    assert all(torch.equal(one.score(prediction), before[name]) for name, one in ours.items())


def test_scores_with_a_gradient_are_cut_off_from_it(prediction: Prediction) -> None:
    weight = torch.nn.Parameter(torch.ones(()))
    mine = _own(lambda p: p.logits.clone().mean(dim=1) * 0.0 + weight * torch.ones(1, 12, 20))
    found = guarded_scores(mine, "mine:Own", prediction, "t5/17")
    assert (found.dtype, found.shape, float(found.mean())) == (np.float32, (12, 20), 1.0)


def test_the_check_names_a_gradient_and_a_changed_network() -> None:
    weight = torch.nn.Parameter(torch.ones(()))

    class Kept(Detector):
        reads = frozenset({"logits", "map"})

        def score_map(self, prediction: Prediction) -> Tensor:
            with torch.inference_mode():
                scores = prediction.logits.mean(dim=1)
            return weight * scores.clone()

    class Trainer(Detector):
        reads = frozenset({"logits", "map", "network"})

        def score_map(self, prediction: Prediction) -> Tensor:
            with torch.inference_mode():
                prediction.network.network.head[1].bias.add_(1.0)
                return -prediction.top[0]

    with pytest.raises(DetectorError, match="keep a gradient; score within"):
        check_detector(Kept, "kept")
    with pytest.raises(DetectorError, match=r"changes the network \(network.head.1.bias\)"):
        check_detector(Trainer, "trainer")


class Noise:
    """Two pictures of noise."""

    name, class_names = "noise", small_segmenter().class_names

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        random = np.random.default_rng(index)
        image = random.integers(0, 256, (12, 20, 3), dtype=np.uint8)
        return Sample(f"noise/{index}", image, random.integers(0, 13, (12, 20), dtype=np.uint8), None)

    def files(self, index: int) -> list[Path]:
        return []


class _Fitted(Detector):
    fit_split = "training"
    wrong = ""

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        if self.wrong == "observe":
            raise KeyError("lost")
        with torch.inference_mode():
            prediction.features.zero_()
        labels.zero_()

    def finish(self) -> None:
        if self.wrong == "finish":
            raise ZeroDivisionError
        super().finish()

    def state(self) -> dict[str, Tensor]:
        return [][0] if self.wrong == "state" else {}

    def score_map(self, prediction: Prediction) -> Tensor:
        return -prediction.top[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("observe", r"mine:Own fitting on noise/0: breaks with KeyError: 'lost' \(.*guard.py:\d+\)"),
        ("finish", r"mine:Own after fitting on noise: breaks with ZeroDivisionError \(.*guard.py:\d+\)"),
        ("state", "mine:Own after fitting on noise: breaks with IndexError"),
        ("", ""),
    ],
)
def test_fitting_names_the_detector_and_gives_it_copies(tmp_path: Path, wrong: str, message: str) -> None:
    segmenter = small_segmenter()
    mine, ours, alone = _Fitted(), build_detector("knn", {}, DETECTORS), build_detector("knn", {}, DETECTORS)
    mine.wrong = wrong
    split = Noise()
    states = {"mine:Own": tmp_path / "mine.pt", "knn": tmp_path / "knn.pt"}
    if wrong:
        with pytest.raises(DetectorError, match=message):
            fit_detectors({"mine:Own": mine}, segmenter, {"training": split}, states)
        return
    fit_detectors({"mine:Own": mine, "knn": ours}, segmenter, {"training": split}, states)
    fit_detectors({"knn": alone}, segmenter, {"training": split}, {"knn": tmp_path / "alone.pt"})
    assert torch.equal(ours.state()["sample"], alone.state()["sample"])


def test_a_constructor_that_raises_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
        from ood_eval.detectors import Detector
        class Mine(Detector):
            def __init__(self, k=1):
                super().__init__()
                raise OSError("no\\nluck")
            def score_map(self, prediction):
                return prediction.top[0]
    """
    (tmp_path / "raising_maker.py").write_text(textwrap.dedent(text))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    expected = r"^detector 'raising_maker:Mine' cannot be made: OSError: no luck \(.*raising_maker.py:6\)$"
    with pytest.raises(DetectorError, match=expected):
        build_detector("raising_maker:Mine", {}, DETECTORS)


def test_an_error_is_told_with_the_line_of_the_one_who_made_it() -> None:
    try:
        torch.nn.functional.interpolate(torch.zeros(1, 1, 2, 2), size="a")
    except (TypeError, ValueError, RuntimeError) as error:
        told = in_one_line(error)
    else:
        told = ""
    assert re.search(rf" \({re.escape(__file__)}:\d+\)$", told)
    assert in_one_line(KeyError()) == "KeyError"

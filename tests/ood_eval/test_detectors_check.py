"""The check that every detector goes through refuses those that break the contract, and says how to mend them."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ood_eval.detectors import Detector, check_detector
from ood_eval.detectors.branch import Branch
from ood_eval.detectors.branch.recipe import CONFIDENCE_BRANCH
from ood_eval.detectors.branch.task import BranchTask
from ood_eval.errors import DetectorError
from ood_eval.networks import Prediction


def _broken(score: Callable[[Prediction], Tensor], *given: str) -> type[Detector]:
    class Broken(Detector):
        reads = frozenset({"logits", "map", *given})

        def score_map(self, prediction: Prediction) -> Tensor:
            return score(prediction)

    return Broken


class Forgetful(Detector):
    """Fits, but saves nothing."""

    fit_split = "training"
    level = 0.0

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        self.level += float(prediction.top[0].mean())

    def score_map(self, prediction: Prediction) -> Tensor:
        return prediction.top[0] * self.level


class Eager(Forgetful):
    """Scores although unfitted."""

    def score(self, prediction: Prediction) -> Tensor:
        return self.score_map(prediction)


class VoidReader(Forgetful):
    """Counts void as a class."""

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        self.level = self.level + float((labels * prediction.top[0]).mean())

    def state(self) -> dict[str, Tensor]:
        return {"level": torch.tensor(self.level, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        super().restore(state)
        self.level = float(state["level"])


class Greedy(Detector):
    """Says that it needs the branch, and scores without."""

    trained_part = CONFIDENCE_BRANCH

    def score(self, prediction: Prediction) -> Tensor:
        return self.score_map(prediction)

    def score_map(self, prediction: Prediction) -> Tensor:
        return prediction.top[0]


class Blind(Detector):
    """Says that it reads features, and scores without."""

    reads = frozenset({"features"})

    def score(self, prediction: Prediction) -> Tensor:
        return self.score_map(prediction)

    def score_map(self, prediction: Prediction) -> Tensor:
        return torch.zeros_like(prediction.top[0])


class Waker(Detector):
    """Leaves its mark in the pass that all share."""

    def score_map(self, prediction: Prediction) -> Tensor:
        with torch.inference_mode():
            scores = prediction.top[0].clone()
            prediction.logits.add_(1.0)
        return scores


def _inplace(spoil: Callable[[Prediction], object]) -> type[Detector]:
    class Spoiler(Detector):
        """Damages what all share, and scores by something else."""

        def score_map(self, prediction: Prediction) -> Tensor:
            with torch.inference_mode():
                scores = prediction.logits.mean(dim=1)
                spoil(prediction)
            return scores

    return Spoiler


class Moody(Forgetful):
    """Draws while it is fitted."""

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        self.level = float(torch.rand(()))

    def state(self) -> dict[str, Tensor]:
        return {"level": torch.tensor(self.level, dtype=torch.float64)}

    def restore(self, state: dict[str, Tensor]) -> None:
        super().restore(state)
        self.level = float(state["level"])


class SkipsVoid(VoidReader):
    """Reads of the labels only where they are void, and needs some that are not."""

    def observe(self, prediction: Prediction, labels: Tensor) -> None:
        self.level += float(prediction.top[0][labels != 255].double().sum())

    def finish(self) -> None:
        if self.level == 0.0:
            raise RuntimeError("nothing to see")
        super().finish()


class Headless(Detector):
    """Forgets the constructor it inherits."""

    def __init__(self) -> None:
        pass

    def score_map(self, prediction: Prediction) -> Tensor:
        return prediction.top[0]


def test_the_check_accepts_a_detector_that_only_skips_void() -> None:
    check_detector(SkipsVoid)


@pytest.mark.parametrize(
    ("make", "breach"),
    [
        (_inplace(lambda p: p.log_probabilities.exp_()), "log_probabilities"),
        (_inplace(lambda p: p.top[0].neg_()), "top values"),
        (_inplace(lambda p: p.features.mul_(0)), "features"),
        (_broken(lambda p: p.features.mean(1).repeat_interleave(4, 1).repeat_interleave(4, 2), "features"), "(23, 37)"),
        (_broken(lambda p: (p.top[0] - p.top[0].mean()) * 1e-6), "one by one"),
        (_broken(lambda p: p.top[0].numpy()), "not a torch.Tensor"),
        (Moody, "fitted again"),
        (Headless, "_ready"),
        (_broken(lambda p: p.top[0][:, :-1]), "shape"),
        (_broken(lambda p: p.top[0].double()), "float32"),
        (_broken(lambda p: (p.top[0] * 0.0).log()), "NaN or infinity"),
        (_broken(lambda p: torch.rand_like(p.top[0])), "second call"),
        (_broken(lambda p: p.top[0] - p.top[0].mean()), "one by one"),
        (Forgetful, "saved copy"),
        (Eager, "never fitted"),
        (VoidReader, "void labels"),
        (Greedy, "it has no confidence_branch"),
        (_broken(lambda p: p.top[0] + p.features.mean((1, 2, 3))[:, None, None]), "reads more than logits, map"),
        (_broken(lambda p: p.top[0] + p.images.float().mean((1, 2, 3))[:, None, None]), "reads more than logits, map"),
        (Blind, "the prediction withholds features"),
        (Waker, "changes what is shared"),
    ],
)
def test_the_check_refuses_broken_detectors(make: Callable[[], Detector], breach: str) -> None:
    with pytest.raises(DetectorError, match=re.escape(breach)):
        check_detector(make)


def _trained(**changes: Any) -> type[Detector]:
    """The branch with a part that is changed."""

    class Own(Branch):
        trained_part = dataclasses.replace(CONFIDENCE_BRANCH, **changes)

    return Own


class _Still(BranchTask):
    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return 0.0 * super().training_step(batch, batch_idx)


@pytest.mark.parametrize(
    ("changes", "breach"),
    [
        ({"task": lambda *_, **__: None}, "task makes a NoneType, not a TrainingTask"),
        ({"arguments": lambda segmenter: {"width": torch.tensor(8)}}, "arguments must be plain"),
        ({"task": _Still}, "changes nothing of the network"),
    ],
)
def test_the_check_refuses_a_part_that_cannot_be_trained(changes: dict[str, Any], breach: str) -> None:
    with pytest.raises(DetectorError, match=f"confidence_branch: .*{breach}"):
        check_detector(_trained(**changes))


def test_the_check_says_how_to_mend_what_newcomers_forget() -> None:
    class Flat(Detector):
        def score_map(self, prediction: Prediction) -> Tensor:
            batch, height, width = prediction.top[0].shape
            return -prediction.top[0].reshape(batch, height, width)

    class Modeless(Branch):
        def score_map(self, prediction: Prediction) -> Tensor:
            return -prediction.at_logit_size(self.part(prediction.features))[:, 0]

    with pytest.raises(DetectorError, match='add "map" to what it reads'):
        check_detector(Flat)
    with pytest.raises(DetectorError, match=r"score within torch\.inference_mode\(\)"):
        check_detector(Modeless)

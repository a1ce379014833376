"""Training of methods' own networks: losses, caching, resuming, diverging."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets import First
from ood_eval.datasets.sample import SegDataset
from ood_eval.detectors.ae.recipe import AUTOENCODER
from ood_eval.detectors.ae.task import ReconstructionTask
from ood_eval.detectors.branch.recipe import CONFIDENCE_BRANCH
from ood_eval.detectors.branch.task import BUDGET, FIRST_LAMBDA, BranchTask, branch_losses, next_lambda
from ood_eval.errors import ConfigError, DetectorError, TrainingError
from ood_eval.networks import CheckpointFile, PyramidConfig, build_segmenter, save_segmenter
from ood_eval.training import Machine, Recipe, TrainedPart, TrainsOn, part_keys, train_parts
from ood_eval.training.task import TrainingTask

SHORT = Recipe(optimizer="adamw", learning_rate=1e-2, epochs=3, batch_size=2, crop_px=(32, 48), scale=(1.0, 1.0))
BRANCH = dataclasses.replace(CONFIDENCE_BRANCH, recipe=SHORT)
AE = dataclasses.replace(AUTOENCODER, recipe=SHORT)
CPU = Machine(accelerator="cpu", half=False)


@pytest.fixture(scope="module")
def split(shared_streets: Path) -> StreetHazards:
    return StreetHazards(shared_streets, "training")


def _checkpoint(folder: Path, split: StreetHazards, dropout: float = 0.1) -> Path:
    config = PyramidConfig("pspnet_short", "tu-test_resnet", channels=8, dropout=dropout, auxiliary=False)
    save_segmenter(folder / "segmenter.pt", build_segmenter(config, split.class_names, "none", 0), config)
    return folder / "segmenter.pt"


def test_the_published_settings() -> None:
    assert (FIRST_LAMBDA, BUDGET, AUTOENCODER.recipe.epochs) == (0.1, 0.3, 10)
    assert (CONFIDENCE_BRANCH.recipe.crop_px, CONFIDENCE_BRANCH.recipe.scale) == (None, (1.0, 1.0))


def test_branch_losses_equal_the_formula_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    logits, odds = 2.0 * rng.normal(size=(3, 4, 5, 6)), 2.0 * rng.normal(size=(3, 5, 6))
    target = rng.integers(0, 4, size=(3, 5, 6))
    target[0, :2] = -100
    hints = [True, False, True]
    task, confidence, count = 0.0, 0.0, 0
    for image, row, column in np.ndindex(3, 5, 6):
        true = target[image, row, column]
        if true == -100:
            continue
        p = np.exp(logits[image, :, row, column])
        p = p / p.sum()
        c = 1.0 / (1.0 + np.exp(-odds[image, row, column]))
        b = 1.0 if hints[image] else 0.0
        c_hinted = c * b + (1.0 - b)
        y = np.eye(4)[true]
        task -= float(y @ np.log(c_hinted * p + (1.0 - c_hinted) * y + 1e-12))
        confidence -= np.log(c)
        count += 1
    found = branch_losses(*(torch.from_numpy(array) for array in (logits, odds, target)), torch.tensor(hints))
    assert float(found[0]) == pytest.approx(task / count, rel=1e-5)
    assert float(found[1]) == pytest.approx(confidence / count, rel=1e-5)


def test_a_batch_of_void_has_no_loss() -> None:
    target = torch.full((1, 2, 2), -100)
    found = branch_losses(torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2), target, torch.tensor([True]))
    assert [float(value) for value in found] == [0.0, 0.0]


def test_lambda_falls_under_the_budget_and_rises_over_it() -> None:
    assert next_lambda(0.1, 0.29) == 0.1 / 1.01
    assert next_lambda(0.1, 0.31) == 0.1 / 0.99


def _train(part: TrainedPart, checkpoint: Path, split: StreetHazards, out: Path) -> nn.Module:
    splits: dict[TrainsOn, SegDataset] = {"in_distribution": split}
    keys = part_keys([part], CheckpointFile(checkpoint), splits, 0)
    return train_parts([part], CheckpointFile(checkpoint), splits, out, 0, CPU, keys)[part]


def test_keys_follow_what_decides_the_weights(split: StreetHazards, tmp_path: Path) -> None:
    checkpoint, splits = CheckpointFile(_checkpoint(tmp_path, split)), {"in_distribution": split}
    keys = part_keys([BRANCH, AE], checkpoint, splits, 0)
    assert sorted(keys) == ["autoencoder", "confidence_branch"]
    assert part_keys([], checkpoint, {}, 0) == {}
    changed = part_keys([CONFIDENCE_BRANCH, AE], checkpoint, splits, 0)
    assert changed["autoencoder"] == keys["autoencoder"]
    assert changed["confidence_branch"] != keys["confidence_branch"]
    for other in (
        part_keys([BRANCH, AE], checkpoint, splits, 1),
        part_keys([BRANCH, AE], checkpoint, {"in_distribution": First(split, 3)}, 0),
    ):
        assert set(other.values()).isdisjoint(keys.values())
    retrained = part_keys([BRANCH, AE], CheckpointFile(_checkpoint(tmp_path, split, dropout=0.2)), splits, 0)
    assert retrained["autoencoder"] == keys["autoencoder"]
    assert retrained["confidence_branch"] != keys["confidence_branch"]


def test_the_code_of_a_part_is_that_of_its_network_task_and_the_runner(
    split: StreetHazards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, asked = CheckpointFile(_checkpoint(tmp_path, split)), set[str]()
    before = part_keys([BRANCH], checkpoint, {"in_distribution": split}, 0)

    def code(*modules: str) -> str:
        asked.update(modules)
        return "edited"

    monkeypatch.setattr("ood_eval.training.parts.code_of", code)
    assert part_keys([BRANCH], checkpoint, {"in_distribution": split}, 0) != before
    folder = "ood_eval.detectors.branch"
    assert asked == {f"{folder}.network", f"{folder}.recipe", f"{folder}.task", "ood_eval.training.parts"}


def test_what_cannot_be_trained_is_said_beforehand(split: StreetHazards, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="autoencoder must be trained on a training split"):
        part_keys([AE], CheckpointFile(tmp_path), {}, 0)
    outliers = dataclasses.replace(AE, trains_on="with_outliers")
    with pytest.raises(ConfigError, match="with outliers"):
        part_keys([outliers], CheckpointFile(tmp_path), {"in_distribution": split}, 0)
    with pytest.raises(DetectorError, match="one of them"):
        part_keys([AE, outliers], CheckpointFile(tmp_path), {"in_distribution": split, "with_outliers": split}, 0)


class Spoilt(ReconstructionTask):
    """Somebody's task that goes wrong at the second step, by what a test sets."""

    wrong: Callable[[], Tensor]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        return super().training_step(batch, batch_idx) if self.global_step == 0 else type(self).wrong()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: torch.full((), math.nan, requires_grad=True),
            r"^autoencoder: the loss became nan at step 2 of 3; lower learning_rate in its recipe \(it is 0.01\)",
        ),
        (
            lambda: [][0],
            r"^autoencoder: its training breaks at step 2 with IndexError: .* \(.*test_training_parts.py:\d+\)$",
        ),
    ],
)
def test_a_training_that_goes_wrong_names_the_part_and_the_step(
    split: StreetHazards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[], Tensor], message: str
) -> None:
    monkeypatch.setattr(Spoilt, "wrong", staticmethod(wrong), raising=False)
    recipe = dataclasses.replace(SHORT, learning_rate=0.01, epochs=1)
    part = dataclasses.replace(AE, task=Spoilt, recipe=recipe)
    with pytest.raises(TrainingError, match=message):
        _train(part, tmp_path, split, tmp_path / "out")
    assert not list(tmp_path.rglob("*.pt"))


def test_a_part_whose_network_cannot_be_made_is_named(split: StreetHazards, tmp_path: Path) -> None:
    part = dataclasses.replace(AE, network=lambda **_: [][0])
    with pytest.raises(TrainingError, match="autoencoder: its training breaks before the first step with IndexError"):
        _train(part, tmp_path, split, tmp_path / "out")


class PowerCutError(BaseException):
    """A power cut."""


@pytest.mark.slow
@pytest.mark.parametrize(("part", "task"), [(BRANCH, BranchTask), (AE, ReconstructionTask)])
def test_a_network_is_trained_once_continues_after_a_cut_and_leaves_the_segmenter_alone(
    part: TrainedPart, task: type[TrainingTask], split: StreetHazards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = _checkpoint(tmp_path, split)
    before = checkpoint.read_bytes()
    whole = _train(part, checkpoint, split, tmp_path / "whole")
    (path,) = (tmp_path / "whole" / "parts").rglob("*.pt")
    assert sorted(item.name for item in path.parent.iterdir()) == sorted([f"{part.name}.pt", "plan.json"])
    stamp = path.stat().st_mtime_ns
    again = _train(part, checkpoint, split, tmp_path / "whole")
    assert path.stat().st_mtime_ns == stamp
    real = task.training_step

    def cut(self: TrainingTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        if self.global_step == 7:
            raise PowerCutError
        return real(self, batch, batch_idx)

    monkeypatch.setattr(task, "training_step", cut)
    with pytest.raises(PowerCutError):
        _train(part, checkpoint, split, tmp_path / "broken")
    assert not list((tmp_path / "broken" / "parts").rglob("*.pt"))
    steps: list[int] = []

    def count(self: TrainingTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        steps.append(self.global_step)
        return real(self, batch, batch_idx)

    monkeypatch.setattr(task, "training_step", count)
    resumed = _train(part, checkpoint, split, tmp_path / "broken")
    assert steps == [6, 7, 8]
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
        assert torch.equal(value, resumed.state_dict()[key])
    assert checkpoint.read_bytes() == before


@pytest.mark.slow
def test_training_pays(split: StreetHazards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The autoencoder reconstructs better at the end than at the start, and lambda has moved with the budget."""
    losses: list[float] = []
    weights: list[float] = []
    real = ReconstructionTask.training_step

    def reconstruct(self: ReconstructionTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        loss = real(self, batch, batch_idx)
        losses.append(float(loss.detach()))
        return loss

    held = BranchTask.training_step

    def confide(self: BranchTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        loss = held(self, batch, batch_idx)
        weights.append(float(self.weight))
        return loss

    monkeypatch.setattr(ReconstructionTask, "training_step", reconstruct)
    monkeypatch.setattr(BranchTask, "training_step", confide)
    longer = dataclasses.replace(AUTOENCODER, recipe=dataclasses.replace(SHORT, epochs=20))
    checkpoint = _checkpoint(tmp_path, split)
    for part in (longer, BRANCH):
        _train(part, checkpoint, split, tmp_path)
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])
    # At the start c is about one half, so L_c is about 0.69 and above the budget.
    assert weights[0] == pytest.approx(FIRST_LAMBDA / 0.99)
    assert len(set(weights)) == len(weights)

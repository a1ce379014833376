"""Training of the confidence branch and the autoencoder: losses, caching, resuming, diverging."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.errors import DetectorError, TrainingError
from ood_eval.networks import PyramidConfig, build_segmenter, save_segmenter
from ood_eval.networks.autoencoder import Autoencoder
from ood_eval.training import AUTOENCODER, BRANCH, ExtrasPlan, Machine, Recipe, extras_identity, train_extras
from ood_eval.training.branch import BUDGET, FIRST_LAMBDA, BranchTask, branch_losses, next_lambda
from ood_eval.training.reconstruction import ReconstructionTask
from ood_eval.training.task import TrainingTask

SHORT = Recipe(optimizer="adamw", learning_rate=1e-2, epochs=3, batch_size=2, crop_px=(32, 48), scale=(1.0, 1.0))
PLAN = ExtrasPlan(branch=SHORT, autoencoder=SHORT)
CPU = Machine(accelerator="cpu", half=False)


@pytest.fixture(scope="module")
def split(shared_streets: Path) -> StreetHazards:
    return StreetHazards(shared_streets, "training")


def _checkpoint(folder: Path, split: StreetHazards, dropout: float = 0.1) -> Path:
    config = PyramidConfig("pspnet_short", "resnet18", channels=8, dropout=dropout, auxiliary=False)
    save_segmenter(folder / "segmenter.pt", build_segmenter(config, split.class_names, "none", 0), config)
    return folder / "segmenter.pt"


def test_the_published_settings() -> None:
    assert (FIRST_LAMBDA, BUDGET, AUTOENCODER.epochs) == (0.1, 0.3, 10)
    assert (BRANCH.crop_px, BRANCH.scale) == (None, (1.0, 1.0))


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


def test_a_loss_that_is_not_finite_stops_with_advice() -> None:
    task = ReconstructionTask(Autoencoder((4,), code=2), SHORT, 1, 0)
    for value in task.autoencoder.parameters():
        torch.nn.init.constant_(value, float("nan"))
    with pytest.raises(TrainingError, match="lower --learning-rate"):
        task.training_step((torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(2, 8, 8)), 0)


def test_keys_follow_what_decides_the_weights(split: StreetHazards, tmp_path: Path) -> None:
    checkpoint = _checkpoint(tmp_path, split)
    both = {"confidence_branch", "autoencoder", "dropout"}
    keys = extras_identity(both, checkpoint, split, PLAN)
    assert sorted(keys) == ["autoencoder", "confidence_branch"]
    assert extras_identity({"dropout"}, checkpoint, split, PLAN) == {}
    other = dataclasses.replace(PLAN, branch=BRANCH)
    changed = extras_identity(both, checkpoint, split, other)
    assert changed["autoencoder"] == keys["autoencoder"]
    assert changed["confidence_branch"] != keys["confidence_branch"]
    assert set(extras_identity(both, checkpoint, split, dataclasses.replace(PLAN, seed=1)).values()).isdisjoint(
        keys.values()
    )
    retrained = extras_identity(both, _checkpoint(tmp_path, split, dropout=0.2), split, PLAN)
    assert retrained["autoencoder"] == keys["autoencoder"]
    assert retrained["confidence_branch"] != keys["confidence_branch"]


def test_dropout_must_be_in_the_segmenter(split: StreetHazards, tmp_path: Path) -> None:
    empty = train_extras({"dropout"}, _checkpoint(tmp_path, split), split, tmp_path, PLAN, CPU)
    assert (empty.confidence_branch, empty.autoencoder) == (None, None)
    with pytest.raises(DetectorError, match="no dropout layer"):
        train_extras({"dropout"}, _checkpoint(tmp_path, split, dropout=0.0), split, tmp_path, PLAN, CPU)
    assert not (tmp_path / "extras").exists()


class PowerCutError(Exception):
    """A power cut."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task"), [("confidence_branch", BranchTask), ("autoencoder", ReconstructionTask)])
def test_a_network_is_trained_once_continues_after_a_cut_and_leaves_the_segmenter_alone(
    name: str, task: type[TrainingTask], split: StreetHazards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = _checkpoint(tmp_path, split)
    before = checkpoint.read_bytes()
    whole = getattr(train_extras({name}, checkpoint, split, tmp_path / "whole", PLAN, CPU), name)
    (path,) = (tmp_path / "whole" / "extras").rglob("*.pt")
    assert sorted(item.name for item in path.parent.iterdir()) == sorted([f"{name}.pt", "plan.json"])
    stamp = path.stat().st_mtime_ns
    again = getattr(train_extras({name}, checkpoint, split, tmp_path / "whole", PLAN, CPU), name)
    assert path.stat().st_mtime_ns == stamp
    real = task.training_step

    def cut(self: TrainingTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        if self.global_step == 7:
            raise PowerCutError
        return real(self, batch, batch_idx)

    monkeypatch.setattr(task, "training_step", cut)
    with pytest.raises(PowerCutError):
        train_extras({name}, checkpoint, split, tmp_path / "broken", PLAN, CPU)
    assert not list((tmp_path / "broken" / "extras").rglob("*.pt"))
    steps: list[int] = []

    def count(self: TrainingTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        steps.append(self.global_step)
        return real(self, batch, batch_idx)

    monkeypatch.setattr(task, "training_step", count)
    resumed = getattr(train_extras({name}, checkpoint, split, tmp_path / "broken", PLAN, CPU), name)
    assert steps == [6, 7, 8]
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])
        assert torch.equal(value, resumed.state_dict()[key])
    assert checkpoint.read_bytes() == before


@pytest.mark.slow
def test_training_pays(split: StreetHazards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The autoencoder redraws better at the end than at the start, and lambda has moved with the budget."""
    losses: list[float] = []
    weights: list[float] = []
    real = ReconstructionTask.training_step

    def redraw(self: ReconstructionTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        loss = real(self, batch, batch_idx)
        losses.append(float(loss.detach()))
        return loss

    held = BranchTask.training_step

    def confide(self: BranchTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        loss = held(self, batch, batch_idx)
        weights.append(float(self.weight))
        return loss

    monkeypatch.setattr(ReconstructionTask, "training_step", redraw)
    monkeypatch.setattr(BranchTask, "training_step", confide)
    longer = dataclasses.replace(SHORT, epochs=20)
    plan = dataclasses.replace(PLAN, autoencoder=longer)
    train_extras({"autoencoder", "confidence_branch"}, _checkpoint(tmp_path, split), split, tmp_path, plan, CPU)
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])
    # At the start c is about one half, so L_c is about 0.69 and above the budget.
    assert weights[0] == pytest.approx(FIRST_LAMBDA / 0.99)
    assert len(set(weights)) == len(weights)

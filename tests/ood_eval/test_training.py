"""Training: views, schedule, loss, resuming, diverging."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets import VOID
from ood_eval.errors import ConfigError, DataError, TrainingError
from ood_eval.networks import PyramidConfig, Segmenter
from ood_eval.training import PRESETS, Machine, Recipe, TrainingPlan, train
from ood_eval.training.augment import random_view
from ood_eval.training.task import SegmentationTask, rate_factor
from ood_eval.training.views import EpochOrder, Views, stacked

TINY = TrainingPlan(
    Recipe(epochs=3, batch_size=2, crop_px=(32, 48), scale=(0.8, 1.2), channels=8, auxiliary_weight=0.0, colour=0.2),
    PyramidConfig(kind="pspnet_short", encoder="tu-test_resnet", channels=8, auxiliary=False),
)
CPU = Machine(accelerator="cpu")


def test_the_paper_preset_is_the_paper() -> None:
    paper = PRESETS["paper"]
    found = (paper.optimizer, paper.learning_rate, paper.momentum, paper.weight_decay, paper.power, paper.epochs)
    assert found == ("sgd", 2e-2, 0.9, 1e-4, 0.9, 20)


def test_a_view_keeps_image_and_labels_together() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 13, size=(40, 60)).astype(np.uint8)
    image = np.repeat(classes[..., None] * 10, 3, axis=2).astype(np.uint8)
    recipe = Recipe(crop_px=(24, 32))
    for seed in range(10):
        view, labels = random_view(image, classes, 1.0, recipe, np.random.default_rng(seed))
        assert np.array_equal(view[..., 0] // 10, labels)
        assert labels.shape == (24, 32)


def test_a_small_picture_is_padded_with_void() -> None:
    image, classes = np.zeros((20, 20, 3), dtype=np.uint8), np.zeros((20, 20), dtype=np.uint8)
    _, labels = random_view(image, classes, 1.0, Recipe(crop_px=(30, 20)), np.random.default_rng(0))
    assert labels.shape == (30, 20)
    assert int((labels == VOID).sum()) == 10 * 20


def test_views_depend_on_seed_epoch_step_and_index_only(shared_streets: Path) -> None:
    split = StreetHazards(shared_streets, "training")
    one, other = Views(split, TINY.recipe, 0), Views(split, TINY.recipe, 0)
    other[1, 0, 3]
    assert torch.equal(one[0, 1, 2][0], other[0, 1, 2][0])
    assert not torch.equal(one[0, 1, 2][0], one[1, 1, 2][0])
    assert not torch.equal(one[0, 1, 2][0], Views(split, TINY.recipe, 1)[0, 1, 2][0])


def test_without_a_crop_a_batch_has_one_size(shared_streets: Path) -> None:
    views = Views(StreetHazards(shared_streets, "training"), Recipe(), 0)
    sizes = [{tuple(views[0, step, index][1].shape) for index in range(3)} for step in range(4)]
    assert all(len(found) == 1 for found in sizes)
    assert len(set.union(*sizes)) > 1


def test_a_batch_of_mixed_sizes_is_refused_with_advice() -> None:
    views = [
        (torch.zeros(3, *size, dtype=torch.uint8), torch.zeros(size, dtype=torch.uint8)) for size in ((4, 6), (5, 6))
    ]
    images, classes = stacked([views[0], views[0]])
    assert (images.shape, classes.shape) == ((2, 3, 4, 6), (2, 4, 6))
    with pytest.raises(DataError, match="crop_px"):
        stacked(views)


def test_a_view_may_be_written_to(shared_streets: Path) -> None:
    """A sample's own arrays are read-only, also where the view is the whole picture."""
    whole = Recipe(scale=(1.0, 1.0), flip=False)
    image, classes = Views(StreetHazards(shared_streets, "training"), whole, 0)[0, 0, 0]
    assert image.numpy().flags.writeable
    assert classes.numpy().flags.writeable


def test_an_epoch_sees_every_image_in_full_batches() -> None:
    order = EpochOrder(5, 2, seed=0)
    order.set_epoch(3)
    items = list(order)
    assert len(items) == len(order) == 6
    assert {index for _, _, index in items} == set(range(5))
    assert [step for _, step, _ in items] == [0, 0, 1, 1, 2, 2]
    order.set_epoch(4)
    assert [i for _, _, i in order] != [i for _, _, i in items]


def test_the_rate_rises_then_falls_as_a_power() -> None:
    recipe = Recipe(warmup=0.2, power=0.9)
    factors = [rate_factor(step, 10, recipe) for step in range(11)]
    assert factors[0] < factors[1] < factors[2] == 1.0
    assert factors[6] == pytest.approx(0.5**0.9)
    assert factors[10] == 0.0


class Constant(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.encoder = nn.Identity()
        self.logits = nn.Parameter(torch.full((1, 3, 1, 1), value))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        rows, columns = images.shape[2] // 8, images.shape[3] // 8
        return self.logits.expand(len(images), 3, rows, columns), images, None


def _task(value: float) -> SegmentationTask:
    return SegmentationTask(Segmenter(Constant(value), ("a", "b", "c")), Recipe(auxiliary_weight=0.0), 10, 0)


def test_void_pixels_do_not_train() -> None:
    images = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    all_void = torch.full((1, 16, 16), VOID, dtype=torch.uint8)
    half = torch.zeros(1, 16, 16, dtype=torch.uint8)
    half[:, 8:] = VOID
    assert _task(0.0).training_step((images, all_void), 0).item() == 0.0
    assert _task(0.0).training_step((images, half), 0).item() == pytest.approx(np.log(3))


def test_a_loss_that_is_not_finite_stops_with_advice() -> None:
    images, classes = torch.zeros(1, 3, 16, 16, dtype=torch.uint8), torch.zeros(1, 16, 16, dtype=torch.uint8)
    task = _task(float("nan"))
    loss = task.training_step((images, classes), 0)
    with pytest.raises(TrainingError, match=r"^streets: the loss became nan at step 1 of 10; lower --learning-rate"):
        task.refuse_infinite(loss, "streets")


def test_impossible_recipes_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Recipe(epochs=0)
    with pytest.raises(ConfigError, match="above zero"):
        Recipe(learning_rate=0.0)


class PowerCutError(Exception):
    """A power cut."""


def _weights(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)["weights"]


@pytest.mark.slow
def test_a_run_broken_in_the_middle_ends_in_the_same_weights(
    shared_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = StreetHazards(shared_streets, "training")
    whole = train(TINY, split, tmp_path / "whole", CPU)
    real = SegmentationTask.training_step

    def cut(self: SegmentationTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        if self.global_step == 4:
            raise PowerCutError
        return real(self, batch, batch_idx)

    monkeypatch.setattr(SegmentationTask, "training_step", cut)
    with pytest.raises(PowerCutError):
        train(TINY, split, tmp_path / "broken", CPU)
    assert not list((tmp_path / "broken").rglob("segmenter.pt"))
    monkeypatch.setattr(SegmentationTask, "training_step", real)
    steps: list[int] = []

    def count(self: SegmentationTask, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        steps.append(self.global_step)
        return real(self, batch, batch_idx)

    monkeypatch.setattr(SegmentationTask, "training_step", count)
    resumed = train(TINY, split, tmp_path / "broken", CPU)
    assert steps == [3, 4, 5, 6, 7, 8]
    assert resumed.parent.name == whole.parent.name
    one, other = _weights(whole), _weights(resumed)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_a_finished_run_answers_at_once_and_another_seed_is_another_run(
    shared_streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = StreetHazards(shared_streets, "training")
    short = dataclasses.replace(TINY, recipe=dataclasses.replace(TINY.recipe, epochs=1))
    monkeypatch.chdir(tmp_path)
    path = train(short, split, tmp_path / "out", CPU)
    stamp = path.stat().st_mtime_ns
    assert train(short, split, tmp_path / "out", CPU) == path
    assert path.stat().st_mtime_ns == stamp
    assert train(dataclasses.replace(short, seed=1), split, tmp_path / "out", CPU) != path
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out"]
    assert sorted(item.name for item in path.parent.iterdir()) == ["plan.json", "segmenter.pt"]


def test_processes_share_out_every_batch() -> None:
    whole = EpochOrder(11, 4, seed=3)
    shared = EpochOrder(11, 4, seed=3, processes=2)
    whole.set_epoch(2)
    shared.set_epoch(2)
    alone, parts = list(whole), [list(shared.part(rank)) for rank in (0, 1)]
    assert len(parts[0]) == len(parts[1]) == len(shared) == len(whole) // 2
    for step in range(3):
        together = [item for part in parts for item in part[2 * step : 2 * step + 2]]
        assert together == alone[4 * step : 4 * step + 4]


def test_a_batch_that_cannot_be_shared_is_refused(shared_streets: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="multiple of 3"):
        train(TINY, StreetHazards(shared_streets, "training"), tmp_path, Machine("cpu", devices=3))


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("ood_eval")
    return subprocess.run(
        [script, *arguments], capture_output=True, text=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


@pytest.mark.slow
def test_two_processes_train_one_segmenter_per_seed_and_one_of_them_scores(
    shared_streets: Path, tmp_path: Path
) -> None:
    small = (
        "--preset",
        "small",
        "--encoder",
        "tu-test_resnet",
        "--epochs",
        "1",
        "--batch-size",
        "2",
        "--accelerator",
        "cpu",
    )
    options = ("--data", str(shared_streets), "--out", str(tmp_path / "run"), *small, "--devices", "2")
    first = _command("run-caos", *options, "--seeds", "0", "1", "--detectors", "msp", "branch")
    assert first.returncode == 0, first.stderr
    assert "2 processes" in first.stderr
    assert "MSP" in first.stdout
    assert first.stdout.count("worse than chance.\n") == 1, first.stdout  # one process prints
    checkpoints = sorted((tmp_path / "run").rglob("segmenter.pt"))
    assert len(checkpoints) == 2
    stamps = [path.stat().st_mtime_ns for path in checkpoints]
    again = _command("run-caos", *options, "--seeds", "0", "1", "--detectors", "msp", "branch")
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert [path.stat().st_mtime_ns for path in checkpoints] == stamps
    one, other = (_weights(path) for path in checkpoints)
    assert all(bool(value.isfinite().all()) for value in one.values())
    assert any(not torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_a_diverging_run_of_two_processes_stops_with_one_line(shared_streets: Path, tmp_path: Path) -> None:
    small = (
        "--preset",
        "small",
        "--encoder",
        "tu-test_resnet",
        "--epochs",
        "1",
        "--batch-size",
        "2",
        "--accelerator",
        "cpu",
    )
    wild = ("--devices", "2", "--learning-rate", "1e30")
    done = _command("train", "--data", str(shared_streets), "--out", str(tmp_path / "run"), *small, *wild)
    assert done.returncode == 1
    assert "lower --learning-rate" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_shared_training_has_followers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of a cluster or a second node says nothing where nothing is shared."""
    monkeypatch.setenv("NODE_RANK", "1")
    assert Machine("cpu").is_global_zero
    assert not Machine("cpu", nodes=2).is_global_zero
    monkeypatch.setenv("NODE_RANK", "0")
    assert Machine("cpu", nodes=2).is_global_zero


@pytest.mark.parametrize("counts", [(0, 1), (-1, 1), (1, 0)])
def test_no_device_is_refused(counts: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Machine("cpu", *counts)

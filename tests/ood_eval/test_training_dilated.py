"""Under bf16 on a CPU, weight gradients of convolutions stay those of f32, for every network the registry builds."""

import copy
import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.networks import SEGMENTERS
from ood_eval.training import Machine, Recipe
from ood_eval.training.dilated import in_single, wrong_in_bf16
from ood_eval.training.loop import run_loop
from ood_eval.training.task import TrainingTask


class Broken(nn.Conv2d):
    """Right in f32; in bf16 its weight gradient is noise, as oneDNN 3.12 has it on AVX512-BF16, or no number."""

    factor = -1.0

    def forward(self, values: Tensor) -> Tensor:
        weight = self.weight * 1.0
        if torch.is_autocast_enabled("cpu") and max(self.dilation) > 1:
            weight.register_hook(lambda gradient: self.factor * gradient)
        return self._conv_forward(values, weight, self.bias)


class Unstable(Broken):
    factor = float("nan")


def _dilated(kind: type[nn.Conv2d], channels: int = 8, dilation: int = 2) -> nn.Conv2d:
    return kind(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels)


@pytest.mark.slow
@pytest.mark.parametrize("encoder", ["efficientnet_lite0", "resnet18"])
@pytest.mark.parametrize("kind", SEGMENTERS)
def test_weight_gradients_of_every_dilated_convolution_in_bf16_are_those_of_f32(kind: str, encoder: str) -> None:
    network = SEGMENTERS[kind](kind=kind, encoder=encoder, channels=16).build(3)  # type: ignore[call-arg]
    dilated = [one for one in network.modules() if isinstance(one, nn.Conv2d) and max(one.dilation) > 1]
    assert bool(dilated) is (kind == "pspnet")
    with in_single(wrong_in_bf16(network)):
        for layer in {repr(layer): layer for layer in dilated}.values():
            single, half = (_gradient(layer, half=half) for half in (False, True))
            assert float((half - single).norm() / single.norm()) < 0.03


def _gradient(layer: nn.Conv2d, *, half: bool) -> Tensor:
    random = torch.Generator().manual_seed(1)
    values = torch.randn(1, layer.in_channels, 40, 48, generator=random).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        found = layer(values).float()
    (gradient,) = torch.autograd.grad((found * torch.randn(found.shape, generator=random)).sum(), layer.weight)
    return gradient


def test_a_convolution_with_wrong_gradients_is_found_and_mended() -> None:
    sound, broken, unstable = _dilated(nn.Conv2d), _dilated(Broken), _dilated(Unstable)
    undilated, frozen = _dilated(Broken, dilation=1), _dilated(Broken, channels=4).requires_grad_(requires_grad=False)
    network = nn.ModuleList([sound, broken, unstable, copy.deepcopy(broken), undilated, frozen])
    wrong = wrong_in_bf16(network)
    assert list(wrong) == [broken, unstable, network[3]]
    assert wrong[broken] == pytest.approx(2.0, abs=0.05)
    assert wrong[unstable] == float("inf")
    single = _gradient(broken, half=False)
    assert not torch.allclose(_gradient(broken, half=True), single, rtol=0.1)
    with in_single(wrong):
        assert torch.equal(_gradient(broken, half=True), single)
    assert not torch.allclose(_gradient(broken, half=True), single, rtol=0.1)


@pytest.mark.parametrize(("padding", "mode"), [(0, "zeros"), ("valid", "zeros"), ("same", "zeros"), (48, "reflect")])
def test_a_convolution_that_reaches_beyond_the_map_is_tried_on_a_larger_one(padding: int | str, mode: str) -> None:
    layers = [kind(2, 2, 3, padding=padding, dilation=48, padding_mode=mode) for kind in (nn.Conv2d, Broken)]
    with torch.no_grad():
        assert list(wrong_in_bf16(nn.ModuleList(layers))) == layers[1:]


class _Sum(TrainingTask):
    def __init__(self, layer: nn.Conv2d, recipe: Recipe) -> None:
        super().__init__(recipe, 1, 0)
        self.layer, self.seen = layer, list[torch.dtype]()

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        found = self.layer(batch[0].float())
        self.seen.append(found.dtype)
        return found.float().square().mean()


@pytest.mark.parametrize(("kind", "half", "dtype"), [
    (Broken, True, torch.float32),
    (nn.Conv2d, True, torch.bfloat16),
    (Broken, False, torch.float32),
])  # fmt: skip
def test_training_keeps_bf16_from_what_it_breaks_and_says_so_once(
    shared_streets: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    kind: type[nn.Conv2d], half: bool, dtype: torch.dtype,
) -> None:  # fmt: skip
    recipe = Recipe(epochs=1, batch_size=6, crop_px=(16, 16), scale=(1.0, 1.0))
    task = _Sum(_dilated(kind, channels=3), recipe)
    machine = Machine(accelerator="cpu", half=half)
    with caplog.at_level(logging.INFO):
        run_loop(task, StreetHazards(shared_streets, "training"), tmp_path, machine, "sum")
    assert task.seen == [dtype]
    told = [record.getMessage() for record in caplog.records if "weight gradients" in record.getMessage()]
    assert len(told) == (kind is Broken and half)
    assert all("sum: this processor gets the weight gradients of 1 dilated" in line for line in told)

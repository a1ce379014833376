"""Under bf16 on a CPU, weight gradients of convolutions stay those of f32, for every network the registry builds."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ood_eval.networks import SEGMENTERS, PyramidConfig
from ood_eval.training.dilated import fragile_in_single, fragile_layers


def _gradient(layer: nn.Conv2d, *, half: bool) -> Tensor:
    layer = copy.deepcopy(layer).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(1, layer.in_channels, 32, 40, generator=generator).to(memory_format=torch.channels_last)
    with fragile_in_single(layer), torch.autocast("cpu", torch.bfloat16, enabled=half):
        found = layer(values).float()
    (gradient,) = torch.autograd.grad((found * torch.randn(found.shape, generator=generator)).sum(), layer.weight)
    return gradient


@pytest.mark.parametrize("encoder", ["efficientnet_lite0", "resnet18"])
@pytest.mark.parametrize("kind", SEGMENTERS)
def test_weight_gradients_of_dilated_convolutions_in_bf16_are_those_of_f32(kind: str, encoder: str) -> None:
    network = SEGMENTERS[kind](kind=kind, encoder=encoder, channels=16).build(3)  # type: ignore[call-arg]
    shapes = {
        (layer.in_channels, layer.out_channels, layer.groups, layer.dilation): layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d) and max(layer.dilation) > 1
    }
    assert bool(shapes) is (kind == "pspnet")
    for layer in shapes.values():
        single, half = _gradient(layer, half=False), _gradient(layer, half=True)
        assert float((half - single).norm() / single.norm()) < 0.03


def test_depthwise_dilated_convolutions_run_in_f32_for_as_long_as_asked_and_others_do_not() -> None:
    def dilated(channels: int, groups: int, dilation: int) -> nn.Conv2d:
        return nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, groups=groups)

    cases = (
        (dilated(16, 16, 2), True),
        (dilated(24, 1, 2), True),
        (dilated(32, 1, 2), False),
        (dilated(16, 16, 1), False),
    )
    network = nn.ModuleList(layer for layer, _ in cases)
    assert fragile_layers(network) == [layer for layer, fragile in cases if fragile]
    with torch.autocast("cpu", torch.bfloat16):
        with fragile_in_single(network):
            for layer, fragile in cases:
                found = layer(torch.zeros(1, layer.in_channels, 4, 4, dtype=torch.bfloat16))
                assert found.dtype is (torch.float32 if fragile else torch.bfloat16)
        assert all(layer(torch.zeros(1, layer.in_channels, 4, 4)).dtype is torch.bfloat16 for layer in network)


def test_the_papers_network_on_a_resnet_is_left_as_it_is() -> None:
    assert fragile_layers(PyramidConfig("pspnet", "resnet101").build(3)) == []
    assert len(fragile_layers(PyramidConfig("pspnet", "efficientnet_lite0").build(3))) == 10

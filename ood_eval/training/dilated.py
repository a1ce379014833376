"""Keeping bf16 away from convolutions whose weight gradients this processor gets wrong in it."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

# Of the map that a convolution is tried on, besides what its reach takes away; the fault is known from this size on.
_HEIGHT, _WIDTH = 32, 40
# Rounding to bf16 moves a weight gradient by 0.003 to 0.01 of its length, the fault by 1 or to infinity.
_WRONG: Final = 0.1


def wrong_in_bf16(network: nn.Module) -> dict[nn.Conv2d, float]:
    """The dilated convolutions whose weight gradients in bf16 are not those of f32 on this CPU, and how far they are.

    Each is tried, once for all of its shape, on a small map of noise in channels last. Known to be wrong: torch 2.14
    with oneDNN 3.12 on processors with AVX512-BF16 or AMX, for depthwise convolutions and for input channels that are
    8 more than 16 n, while outputs, input gradients and undilated convolutions are right. Convolutions that are not
    trained are left out.

    Args:
        network: on the CPU; it is not changed.

    Returns:
        By convolution, the length of the difference over that of the f32 gradient; infinite where one is not finite.
    """
    errors: dict[object, float] = {}
    found: dict[nn.Conv2d, float] = {}
    for layer in network.modules():
        if not isinstance(layer, nn.Conv2d) or max(layer.dilation) == 1 or not layer.weight.requires_grad:
            continue
        shape = (type(layer), repr(layer))
        if shape not in errors:
            errors[shape] = _gradient_error(layer)
        if errors[shape] > _WRONG:
            found[layer] = errors[shape]
    return found


def told(wrong: Mapping[nn.Conv2d, float]) -> str:
    """What `wrong_in_bf16` has found, as a sentence."""
    worst = max(wrong, key=lambda layer: wrong[layer])
    return (
        f"this processor gets the weight gradients of {len(wrong)} dilated convolutions wrong in bf16 "
        f"(by {wrong[worst]:.2g} of their length: {worst}); they are computed in f32, all others in bf16"
    )


@contextlib.contextmanager
def in_single(layers: Iterable[nn.Conv2d]) -> Iterator[None]:
    """Runs these convolutions in f32 on the CPU, whatever autocast says, until the context ends."""
    layers = list(layers)
    try:
        for layer in layers:
            layer.forward = partial(_single, layer.forward)  # type: ignore[method-assign]
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _single(forward: Any, values: Tensor) -> Tensor:  # noqa: ANN401
    with torch.autocast("cpu", enabled=False):
        found: Tensor = forward(values.float())
    return found


def _gradient_error(layer: nn.Conv2d) -> float:
    """Distance of a convolution's weight gradient in bf16 from that in f32, as a share of the latter's length."""
    single, half = (_weight_gradient(layer, half=half) for half in (False, True))
    error = float((half - single).norm() / single.norm().clamp_min(1e-30))
    return error if math.isfinite(error) else math.inf


def _size_for(layer: nn.Conv2d) -> tuple[int, int]:
    """Height and width of the map: larger by the reach of a convolution that is not padded with as many zeros."""
    reach = [step * (taps - 1) for step, taps in zip(layer.dilation, layer.kernel_size, strict=True)]
    if layer.padding_mode == "zeros" and layer.padding != "valid":
        padding = reach if layer.padding == "same" else [2 * int(one) for one in layer.padding]
        reach = [max(whole - padded, 0) for whole, padded in zip(reach, padding, strict=True)]
    return _HEIGHT + reach[0], _WIDTH + reach[1]


def _weight_gradient(layer: nn.Conv2d, *, half: bool) -> Tensor:
    random = torch.Generator().manual_seed(0)
    alone = copy.deepcopy(layer).to(memory_format=torch.channels_last)
    values = torch.randn(1, layer.in_channels, *_size_for(layer), generator=random)
    with torch.inference_mode(mode=False), torch.enable_grad():
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            found = alone(values.contiguous(memory_format=torch.channels_last)).float()
        (gradient,) = torch.autograd.grad((found * torch.randn(found.shape, generator=random)).sum(), alone.weight)
    return gradient

"""Keeping bf16 away from convolutions whose weight gradients a CPU gets wrong in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


def fragile_layers(network: nn.Module) -> list[nn.Conv2d]:
    """Dilated convolutions that are grouped, as depthwise ones, or whose input channels are 8 more than 16 n.

    Measured with torch 2.14.1 and oneDNN 3.12 on a CPU with AVX512-BF16: under bf16 autocast, channels last, their
    weight gradients are wrong by as much as themselves, or infinite, while outputs and input gradients are right.
    Undilated ones, and those of 16 n channels such as ResNet's, are right.
    """
    return [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
        and max(layer.dilation) > 1
        and (layer.groups > 1 or layer.in_channels % 16 == 8)
    ]


@contextlib.contextmanager
def fragile_in_single(network: nn.Module) -> Iterator[None]:
    """Runs `fragile_layers` in f32 on a CPU, whatever autocast says, until the context ends."""
    layers = fragile_layers(network)
    try:
        for layer in layers:
            layer.forward = partial(_in_single, layer.forward)  # type: ignore[method-assign]
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _in_single(forward: Any, values: Tensor) -> Tensor:  # noqa: ANN401
    if values.device.type != "cpu":
        found: Tensor = forward(values)
        return found
    with torch.autocast("cpu", enabled=False):
        single: Tensor = forward(values.float())
    return single

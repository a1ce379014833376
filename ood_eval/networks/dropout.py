"""Dropout layers of a network: which there are, and waking them alone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import torch
from torch import nn

_KINDS: Final = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def dropout_layers(network: nn.Module) -> list[nn.Module]:
    """The layers that drop something when awake."""
    return [layer for layer in network.modules() if isinstance(layer, _KINDS) and layer.p > 0]


@contextlib.contextmanager
def awake_dropout(network: nn.Module, device: torch.device, seed: int) -> Iterator[None]:
    """Puts dropout alone into training mode, seeded; batch norm stays as it is, and so does torch's own generator."""
    layers = dropout_layers(network)
    before = [layer.training for layer in layers]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        try:
            for layer in layers:
                layer.train()
            yield
        finally:
            for layer, state in zip(layers, before, strict=True):
                layer.train(state)

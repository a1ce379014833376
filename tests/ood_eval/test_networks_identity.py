"""Whatever decides a network's predictions is part of its identity: an edited network gets no old results."""

import copy
import functools
import logging
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ood_eval.networks import Held, load_segmenter


class Strided(nn.Module):
    """Logits at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3, stride=2, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images)


def test_a_held_module_is_known_by_tensors_numbers_and_code() -> None:
    def held(gain: float, seed: int = 0) -> str:
        torch.manual_seed(seed)
        network = Strided()
        network.gain = gain
        return Held(load_segmenter(network)).identity

    assert held(1.0) == held(1.0)
    assert len({held(1.0), held(2.0), held(1.0, 1)}) == 3


@dataclass
class Gain:
    value: float


KEPT = {
    "tensor": (torch.zeros(2), torch.ones(2)),
    "tensor in a dict": ({"gain": torch.zeros(2)}, {"gain": torch.ones(2)}),
    "dataclass": (Gain(1.0), Gain(2.0)),
    "numpy scalar": (np.float32(1), np.float32(2)),
    "numpy array": (np.zeros(2000), np.eye(1, 2000, 1000)[0]),
    "function": (nn.functional.gelu, nn.functional.relu),
    "partial": (functools.partial(nn.functional.leaky_relu, negative_slope=0.1), nn.functional.leaky_relu),
    "class": (nn.ReLU, nn.GELU),
    "lambda": (lambda x: x + 1, lambda x: x + 2),
}


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("name", ["kept", "_kept"])
def test_whatever_a_part_keeps_is_part_of_the_identity(kind: str, name: str) -> None:
    def held(value: object) -> str:
        torch.manual_seed(0)
        network = Strided()
        setattr(network, name, value)
        return Held(load_segmenter(network)).identity

    one, other = KEPT[kind]
    assert held(one) == held(copy.deepcopy(one))
    assert held(one) != held(other)


def test_what_cannot_be_hashed_makes_a_new_identity_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    network = Strided()
    network.source = iter(())
    segmenter = load_segmenter(network)
    assert Held(segmenter).identity != Held(segmenter).identity
    assert "Strided.source: a tuple_iterator cannot be hashed; the network is scored anew each time" in caplog.text

"""Small seeded networks that the contract of detectors is checked on."""

from __future__ import annotations

import dataclasses
from typing import Final, cast

import torch
from torch import Tensor, nn

from ood_eval.benchmarks.formats.labels import CLASS_NAMES
from ood_eval.networks.prediction import Network, Prediction, Queries, Reading
from ood_eval.networks.segmenter import Segmenter

_WIDTH, _QUERIES = 8, 6
_GAIN: Final = 4.0


class SmallSegmenter(Segmenter):
    """Classifies every pixel at stride 4, and predicts queries beside."""

    gives: frozenset[Reading] = Segmenter.gives | {"queries"}

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        """A segmenter's prediction, with queries made of the features."""
        found = super().predict(images, size)
        masks = found.features[:, :_QUERIES] - found.features.mean((1, 2, 3), keepdim=True)
        classes = found.features.mean((2, 3))[:, :_QUERIES, None] * torch.linspace(-1, 1, len(CLASS_NAMES) + 1)
        return dataclasses.replace(found, queries=Queries(classes, masks))


class SmallClassifier(Segmenter):
    """Classifies whole images."""

    gives: frozenset[Reading] = Segmenter.gives - {"map"}


class Veiled:
    """A network that withholds its layers and gradients.

    Args:
        network: what predicts.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.class_names, self.gives = network.class_names, network.gives - {"network"}

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        """As of the network."""
        return self._network.predict(images, size)


def small_segmenter(dropout: float = 0.1) -> SmallSegmenter:
    """A seeded segmenter in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _Strided(dropout)
    return SmallSegmenter(network, CLASS_NAMES).eval()


def small_classifier(dropout: float = 0.1) -> SmallClassifier:
    """A seeded classifier of whole images in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = _Pooled(dropout)
    return SmallClassifier(network, CLASS_NAMES).eval()


class _Strided(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, _WIDTH, 5, stride=4, padding=2), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(_WIDTH, len(CLASS_NAMES), 1))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        features = self.features(images)
        return self.classify(features), features, None

    def classify(self, features: Tensor) -> Tensor:
        return _GAIN * cast("Tensor", self.head(features))


class _Pooled(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, _WIDTH, 5, stride=4, padding=2), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(_WIDTH, len(CLASS_NAMES)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        features = self.features(images).mean((2, 3))
        return self.classify(features), features, None

    def classify(self, features: Tensor) -> Tensor:
        return _GAIN * cast("Tensor", self.head(features))

"""What a kind of segmenter is to the rest: a frozen dataclass of options that builds the network."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import nn

from ood_eval.networks.segmenter import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Channel means and deviations that some weights expect."""

    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


class SegmenterConfig(Protocol):
    """A frozen dataclass whose field `kind` is its name in the registry, and whose other fields decide the weights.

    The fields must be plain values, as a checkpoint keeps them.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def kind(self) -> str:
        """The name in `SEGMENTERS`."""

    @abstractmethod
    def build(self, classes: int) -> nn.Module:
        """A network with random weights and the call of `SegmentationNetwork`; `encoder` is the part with its own rate.

        Raises:
            ConfigError: an option cannot be met.
        """

    @abstractmethod
    def load_weights(self, network: nn.Module, weights: str) -> Normalisation:
        """Fills a new network with trained weights as users name them, and returns what images they expect.

        Raises:
            ConfigError: no weights have this name.
            CheckpointError: the file is missing, damaged, or does not fit.
        """

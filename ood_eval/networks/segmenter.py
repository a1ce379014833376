"""A segmenter: a network with the normalisation and the class names it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, cast

import torch
from torch import Tensor, nn

from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction, Reading, resized_maps

# Source: torchvision's classification references; the mean and deviation of ImageNet in RGB, 0..1.
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)


class SegmentationNetwork(Protocol):
    """What a segmenter wraps: normalised images in; logits, penultimate features and auxiliary logits out."""

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """[B,3,H,W] f32 to logits [B,K,h,w], features [B,D,h,w], and auxiliary logits [B,K,h,w] or None."""


class Segmenter(nn.Module):
    """Maps u8 RGB images to a `Prediction`, by way of coarse logits and penultimate features.

    Args:
        network: module with the call of `SegmentationNetwork`.
        class_names: name of each logit channel.
        mean: per RGB channel, of images scaled to 0..1.
        std: likewise.
        trained_px: width and height of the pictures that it was trained on; None, where nobody knows.

    Raises:
        ConfigError: no class names, or a mean or deviation that has not three values.
    """

    gives: frozenset[Reading] = frozenset({"logits", "map", "features", "images", "network"})
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        class_names: Sequence[str],
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        trained_px: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if not class_names or len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ConfigError("a segmenter needs class names, three channel means and three positive deviations")
        self.network = network
        self.class_names = tuple(class_names)
        self.trained_px = trained_px
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """[B,3,H,W] u8 RGB to the f32 input of the network, channels last."""
        scaled = (images.float() / 255.0 - self.mean) / self.std
        return scaled.contiguous(memory_format=torch.channels_last)

    def raw(self, normalised: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Logits [B,K,h,w], features [B,D,h,w] and auxiliary logits (None in evaluation) of normalised images."""
        return cast("SegmentationNetwork", self.network)(normalised)

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        """The prediction of [B,3,H,W] u8 images, with logits at their size or another; features at its stride."""
        logits, features, _ = self(images)
        fine = resized_maps(logits, size if size is not None else images.shape[2:])
        return Prediction(fine, features.float(), class_names=self.class_names)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """`raw` of [B,3,H,W] u8 images."""
        return self.raw(self.normalise(images))


def feature_width(segmenter: Segmenter) -> int:
    """Channels of the penultimate features, found by running the segmenter on a small image."""
    with torch.inference_mode():
        _, features, _ = segmenter(torch.zeros(1, 3, 64, 64, dtype=torch.uint8, device=segmenter.mean.device))
    return int(features.shape[1])

"""One forward pass over a batch, computed at most once and shared by every detector."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from ood_eval.networks.extras import Extras
from ood_eval.networks.segmenter import Segmenter


@dataclass(frozen=True, slots=True)
class SegOutput:
    """Logits [B,K,H,W] f32 at image size and penultimate features [B,D,h,w] f32 at the network's stride."""

    logits: Tensor
    features: Tensor


class Forward:
    """The segmenter's view of one batch of images of equal size.

    Every quantity is computed when first asked for and kept, so detectors share it. Logits are upsampled first and
    scored after, bilinearly without aligned corners.

    Source: CSAIL semantic-segmentation-pytorch, whose evaluation resizes before the softmax.

    Args:
        segmenter: in evaluation mode.
        images: [B,3,H,W] u8 RGB on the segmenter's device.
        extras: networks besides the segmenter that some detectors need, on the same device.
    """

    def __init__(self, segmenter: Segmenter, images: Tensor, extras: Extras | None = None) -> None:
        self.segmenter, self.images, self.extras = segmenter, images, extras or Extras()
        # Averaged and resized views of the same images by what made them, kept so that detectors share them.
        self.views: dict[tuple[object, ...], Forward] = {}

    @cached_property
    def output(self) -> SegOutput:
        """The network's output; the only place that runs it."""
        with torch.inference_mode():
            logits, features, _ = self.segmenter(self.images)
            return SegOutput(self.upsample(logits), features.float())

    @cached_property
    def log_probabilities(self) -> Tensor:
        """Log softmax of the logits, [B,K,H,W] f32."""
        with torch.inference_mode():
            return self.output.logits.log_softmax(dim=1)

    @cached_property
    def top(self) -> tuple[Tensor, Tensor]:
        """Highest logit [B,H,W] f32 and its channel [B,H,W] i64."""
        with torch.inference_mode():
            values, channels = self.output.logits.max(dim=1)
        return values, channels

    @cached_property
    def mirrored(self) -> Forward:
        """The same view of the images with left and right swapped."""
        return self.of(self.images.flip(3))

    def of(self, images: Tensor) -> Forward:
        """The same view of other images."""
        return Forward(self.segmenter, images, self.extras)

    def upsample(self, coarse: Tensor) -> Tensor:
        """[B,C,h,w] to [B,C,H,W] f32 at image size."""
        size = (self.images.shape[2], self.images.shape[3])
        return interpolate(coarse.float(), size=size, mode="bilinear", align_corners=False)


def images_from_rgb(*images: NDArray[np.uint8]) -> Tensor:
    """A batch [B,3,H,W] u8 of [H,W,3] u8 pictures of equal size."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)

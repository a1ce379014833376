"""A forward pass averaged over image scales, that stands in for the plain one."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ood_eval.networks.extras import Extras
from ood_eval.networks.forward import Forward, SegOutput
from ood_eval.networks.segmenter import Segmenter

Averaged = Literal["logits", "probabilities"]


class AveragedForward(Forward):
    """Logits averaged over scales, each upsampled to image size first.

    Features are averaged likewise, at the size that they have at the scale nearest to 1.

    With `of` = probabilities the softmax is averaged and its logarithm takes the logits' place, so that their softmax
    is the average and their maximum orders as the highest averaged probability: what the released CAOS code ranks
    under the name of maxlogit.

    Source: evaluation of CSAIL semantic-segmentation-pytorch, which averages probabilities over 5 scales.

    Args:
        segmenter: in evaluation mode.
        images: [B,3,H,W] u8 RGB.
        extras: as of `Forward`.
        scales: factors on height and width.
        of: what is averaged.
    """

    def __init__(
        self, segmenter: Segmenter, images: Tensor, extras: Extras, scales: tuple[float, ...], of: Averaged
    ) -> None:
        super().__init__(segmenter, images, extras)
        self._scales, self._averages = scales, of

    @cached_property
    def output(self) -> SegOutput:
        """The averaged output; the network runs once per scale."""
        with torch.inference_mode():
            shape = (self.images.shape[0], len(self.segmenter.class_names), *self.images.shape[2:])
            logits, maps = torch.zeros(shape, device=self.images.device), []
            for scale in self._scales:
                coarse, features, _ = self.segmenter(resized(self.images, scale))
                fine = self.upsample(coarse)
                logits += fine.softmax(dim=1) if self._averages == "probabilities" else fine
                maps.append(features.float())
            logits /= len(self._scales)
            if self._averages == "probabilities":
                logits = logits.clamp_min(torch.finfo(logits.dtype).tiny).log()
            # The features of the scale nearest to 1 decide the size.
            nearest = min(range(len(maps)), key=lambda index: abs(self._scales[index] - 1.0))
            size = (maps[nearest].shape[2], maps[nearest].shape[3])
            alike = [interpolate(part, size=size, mode="bilinear", align_corners=False) for part in maps]
            return SegOutput(logits, torch.stack(alike).mean(dim=0))

    def of(self, images: Tensor) -> Forward:
        """The same average of other images."""
        return AveragedForward(self.segmenter, images, self.extras, self._scales, self._averages)


def resized(images: Tensor, scale: float) -> Tensor:
    """[B,3,H,W] u8 scaled by a factor, bilinearly, with antialiasing where it shrinks."""
    if scale == 1.0:
        return images
    size = tuple(max(round(length * scale), 1) for length in images.shape[2:])
    fine = interpolate(images.float(), size=size, mode="bilinear", align_corners=False, antialias=scale < 1.0)
    return fine.round().clamp(0, 255).to(torch.uint8)

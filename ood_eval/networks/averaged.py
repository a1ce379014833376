"""A network averaged over image scales, that stands in for the plain one."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ood_eval.errors import NetworkError
from ood_eval.networks.prediction import Network, Prediction, Reading, resized_maps

Averaged = Literal["logits", "probabilities"]


class AveragedNetwork:
    """Logits averaged over scales, each upsampled to image size first.

    Features are averaged likewise, at the size that they have at the scale nearest to 1.

    With `of` = probabilities the softmax is averaged and its logarithm takes the logits' place, so that their softmax
    is the average and their maximum orders as the highest averaged probability: what the released CAOS code ranks
    under the name of maxlogit.

    Source: evaluation of CSAIL semantic-segmentation-pytorch, which averages probabilities over 5 scales.

    Args:
        network: in evaluation mode.
        scales: factors on height and width.
        of: what is averaged.
    """

    def __init__(self, network: Network, scales: tuple[float, ...], of: Averaged) -> None:
        self._network, self._scales, self._averages = network, scales, of

    @property
    def class_names(self) -> tuple[str, ...]:
        """As of the plain network."""
        return self._network.class_names

    @property
    def gives(self) -> frozenset[Reading]:
        """What the plain network gives and can be averaged."""
        return self._network.gives - {"queries", "network"}

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        """The averaged prediction; the network runs once per scale."""
        size = size if size is not None else (images.shape[2], images.shape[3])
        logits: Tensor | None = None
        features = []
        for scale in self._scales:
            view = self._network.predict(resized(images, scale), size)
            part = view.logits.softmax(dim=1) if self._averages == "probabilities" else view.logits
            logits = torch.zeros_like(part) if logits is None else logits
            logits += part
            features.append(view.features)
        if logits is None:
            raise NetworkError("an average needs at least one scale")
        logits /= len(self._scales)
        if self._averages == "probabilities":
            logits = logits.clamp_min(torch.finfo(logits.dtype).tiny).log()
        # The features of the scale nearest to 1 decide the size.
        nearest = min(range(len(features)), key=lambda index: abs(self._scales[index] - 1.0))
        shape = tuple(features[nearest].shape[2:])
        alike = torch.stack([resized_maps(part, shape) for part in features]).mean(dim=0)
        return Prediction(logits, alike, class_names=self.class_names)


def resized(images: Tensor, scale: float) -> Tensor:
    """[B,3,H,W] u8 scaled by a factor, bilinearly, with antialiasing where it shrinks."""
    if scale == 1.0:
        return images
    size = tuple(max(round(length * scale), 1) for length in images.shape[2:])
    fine = interpolate(images.float(), size=size, mode="bilinear", align_corners=False, antialias=scale < 1.0)
    return fine.round().clamp(0, 255).to(torch.uint8)

"""The confidence branch: how sure a segmenter is of each pixel, learnt beside its classifier."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn


class ConfidenceBranch(nn.Module):
    """A 3x3 convolution of one channel on penultimate features; its output is the log-odds of the confidence c.

    Source: DeVries and Taylor 2018 (https://arxiv.org/abs/1802.04865) section 3.1, per pixel.

    Args:
        width: channels of the features.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.confidence = nn.Conv2d(width, 1, kernel_size=3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """[B,D,h,w] f32 to log-odds [B,1,h,w]; c is their sigmoid."""
        return cast("Tensor", self.confidence(features))

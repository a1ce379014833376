"""blur(size,sigma): a Gaussian over the score map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ood_eval.detectors.steps.gaussian import check_gaussian, gaussian_smooth
from ood_eval.detectors.steps.step import Score, Step
from ood_eval.networks.prediction import Prediction


@dataclass(frozen=True)
class Blur(Step):
    """Smooths scores by a Gaussian; edges are replicated, where torchvision's reflects them.

    Source: Liu et al. 2023 (RPL, https://arxiv.org/abs/2211.14512), whose code blurs scores by 7 and sigma 1.

    Args:
        size: taps in each direction, odd.
        sigma: in pixels.

    Raises:
        ConfigError: there is no such kernel.
    """

    reads = frozenset({"map"})
    size: int = 7
    sigma: float = 1.0

    def __post_init__(self) -> None:
        check_gaussian(self.size, self.sigma)

    def score(self, inner: Score, prediction: Prediction) -> Tensor:
        """[B,H,W] f32."""
        with torch.inference_mode():
            return gaussian_smooth(inner(prediction), self.size, self.sigma)

"""smooth(size,sigma,dilation): a Gaussian with holes over the score map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ood_eval.detectors.steps.gaussian import check_gaussian, gaussian_smooth
from ood_eval.detectors.steps.step import Score, Step
from ood_eval.networks.prediction import Prediction


@dataclass(frozen=True)
class Smooth(Step):
    """Smooths scores by a dilated Gaussian; edges are replicated.

    Source: Jung et al. 2021 (https://arxiv.org/abs/2107.11264) section 3.4: 7x7, sigma 1, dilation 6.

    Args:
        size: taps in each direction, odd.
        sigma: in taps.
        dilation: pixels from tap to tap.

    Raises:
        ConfigError: there is no such kernel.
    """

    reads = frozenset({"map"})
    size: int = 7
    sigma: float = 1.0
    dilation: int = 6

    def __post_init__(self) -> None:
        check_gaussian(self.size, self.sigma, self.dilation)

    def score(self, inner: Score, prediction: Prediction) -> Tensor:
        """[B,H,W] f32."""
        with torch.inference_mode():
            return gaussian_smooth(inner(prediction), self.size, self.sigma, self.dilation)

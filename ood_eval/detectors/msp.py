"""MSP: maximum softmax probability."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.models.forward import Forward


class MSP(Detector):
    """s = 1 - max_c p_c, computed as -expm1(max_c log p_c) so that confident pixels keep their order in float32.

    Source: Hendrycks and Gimpel 2017 (https://arxiv.org/abs/1610.02136); Hendrycks et al. 2022 section 5.1.
    """

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32 in 0..1."""
        with torch.inference_mode():
            return -torch.expm1(forward.log_probabilities.amax(dim=1))

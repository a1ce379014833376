"""MSP: maximum softmax probability."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class MSP(Detector):
    """s = 1 - max_c p_c, computed as the sum of the other probabilities.

    1 - p and even -expm1(log p) are 0 in float32 once a logit leads by 17; the sum keeps such pixels in order.

    Source: Hendrycks and Gimpel 2017 (https://arxiv.org/abs/1610.02136); Hendrycks et al. 2022 section 5.1.
    """

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32 in 0..1."""
        with torch.inference_mode():
            return probability_of_others(prediction.log_probabilities, prediction.top[1])


def probability_of_others(log_probabilities: Tensor, channels: Tensor) -> Tensor:
    """Sum over c of p_c without the channel given for each place: of [B,K,*S] and [B,*S] i64, [B,*S] f32."""
    return log_probabilities.exp().scatter_(1, channels[:, None], 0.0).sum(dim=1)

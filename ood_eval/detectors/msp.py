"""MSP: maximum softmax probability."""

from __future__ import annotations

from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class MSP(Detector):
    """s = 1 - max_c p_c, computed as the sum of the other probabilities.

    1 - p and even -expm1(log p) are 0 in float32 once a logit leads by 17; the sum keeps such pixels in order.

    Reads logits.

    Source: Hendrycks and Gimpel 2017 (https://arxiv.org/abs/1610.02136); Hendrycks et al. 2022 section 5.1.
    """

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32 in 0..1."""
        return prediction.softmax.others.clone()

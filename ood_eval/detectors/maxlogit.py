"""MaxLogit: negative maximum logit."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class MaxLogit(Detector):
    """s = -max_c z_c over logits, not probabilities, at one scale.

    Reads logits.

    Source: Hendrycks et al. 2022 (https://arxiv.org/abs/1911.11132) section 3.
    """

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, unbounded."""
        with torch.inference_mode():
            return -prediction.highest

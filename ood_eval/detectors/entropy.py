"""Entropy: Shannon entropy of the softmax."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class Entropy(Detector):
    """s = -sum_c p_c log p_c / log C, so that 1 is a uniform softmax.

    Reads logits.

    Source: Chan et al. 2021 (https://arxiv.org/abs/2012.06575) equation 3.
    """

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32 in 0..1."""
        with torch.inference_mode():
            return prediction.softmax.entropy / math.log(max(prediction.logits.shape[1], 2))

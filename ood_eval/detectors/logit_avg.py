"""LogitAvg: negative mean logit."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class LogitAvg(Detector):
    """s = -mean_c z_c.

    Reads logits.

    Source: Hendrycks et al. 2022 section 4 (multi-label baselines).
    """

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, unbounded."""
        with torch.inference_mode():
            return -prediction.logits.mean(dim=1)

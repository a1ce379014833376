"""LogitAvg: negative mean logit."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.forward import Forward


class LogitAvg(Detector):
    """s = -mean_c z_c.

    Source: Hendrycks et al. 2022 section 4 (multi-label baselines).
    """

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32, unbounded."""
        with torch.inference_mode():
            return -forward.output.logits.mean(dim=1)

"""MaxLogit: negative maximum logit."""

from __future__ import annotations

from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.forward import Forward


class MaxLogit(Detector):
    """s = -max_c z_c over logits, not probabilities, at one scale.

    Source: Hendrycks et al. 2022 (https://arxiv.org/abs/1911.11132) section 3.
    """

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32, unbounded."""
        return -forward.top[0]

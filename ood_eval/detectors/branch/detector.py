"""Branch: a learnt confidence, beside the classifier."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.branch.recipe import CONFIDENCE_BRANCH
from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class Branch(Detector):
    """s = log((1 - c) / c), the log-odds of 1 - c; it orders as 1 - c and has no ties where c is next to 0 or 1.

    The branch is trained on the frozen segmenter.

    Reads features, of maps only; its network is trained on the training split before.

    Source: DeVries and Taylor 2018 (https://arxiv.org/abs/1802.04865); Hendrycks et al. 2022 appendix B.
    """

    reads = frozenset({"features", "map"})
    trained_part = CONFIDENCE_BRANCH

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,H,W] f32, unbounded."""
        with torch.inference_mode():
            return -prediction.at_logit_size(self.part(prediction.features))[:, 0]

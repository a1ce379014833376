"""Branch: a learnt confidence, beside the classifier."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.confidence_branch import ConfidenceBranch
from ood_eval.networks.forward import Forward


class Branch(Detector):
    """s = log((1 - c) / c), the log-odds of 1 - c; it orders as 1 - c and has no ties where c is next to 0 or 1.

    The branch is trained on the frozen segmenter; see `ood_eval.training.branch`.

    Source: DeVries and Taylor 2018 (https://arxiv.org/abs/1802.04865); Hendrycks et al. 2022 appendix B.
    """

    requires = frozenset({"confidence_branch"})

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32, unbounded."""
        branch = cast("ConfidenceBranch", forward.extras.confidence_branch)
        with torch.inference_mode():
            return -forward.upsample(branch(forward.output.features))[:, 0]

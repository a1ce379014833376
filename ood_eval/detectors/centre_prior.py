"""Centre prior: where anomalies stand in a driver's picture, whatever the picture shows."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction

# Half across and six tenths down: the road ahead of a camera whose horizon is in mid-picture.
_ACROSS: Final = 0.5
_DOWN: Final = 0.6


class CentrePrior(Detector):
    """s = -sqrt(x^2 + y^2), the distance of a pixel to one fixed point of the picture; a baseline without a network.

    x and y are 0 at the point that lies half the width across and six tenths of the height down, and grow by 2 over a
    whole width or height. Nothing is fitted: the point was fixed beforehand, by where the road ahead is seen. What a
    detector finds beyond this it cannot owe to where anomalies usually stand. Reads the size of maps only.
    """

    title = "Centre prior"
    reads = frozenset({"map"})
    baseline = True

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,H,W] f32, at most 0."""
        height, width = prediction.size
        device = prediction.logits.device
        down = ((torch.arange(height, device=device) + 0.5) / height - _DOWN) * 2.0
        across = ((torch.arange(width, device=device) + 0.5) / width - _ACROSS) * 2.0
        distance = torch.hypot(down[:, None], across[None, :])
        return -distance.float().expand(len(prediction.logits), height, width).contiguous()

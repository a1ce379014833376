"""flip: the mean score over an image and its mirror image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ood_eval.detectors.steps.step import Score, Step
from ood_eval.networks.prediction import Prediction


@dataclass(frozen=True)
class Flip(Step):
    """s = (s(x) + mirrored s(mirrored x)) / 2, with left and right swapped.

    Source: Rai et al. 2023 (Mask2Anomaly, https://arxiv.org/abs/2307.13316), whose code averages scores this way.
    """

    reads = frozenset({"images"})

    def score(self, inner: Score, prediction: Prediction) -> Tensor:
        """[B,*S] f32; the network runs once more."""
        with torch.inference_mode():
            mirrored = inner(prediction.view("mirrored", prediction.network, prediction.images.flip(3)))
            return (inner(prediction) + (mirrored.flip(2) if prediction.is_map else mirrored)) / 2.0

"""ODIN: tempered softmax of an input moved towards its own prediction."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction
from ood_eval.networks.segmenter import Segmenter


class ODIN(Detector):
    """Falls with max_c softmax(z(x') / T)_c, where x' = x - eps sign(grad_x -log softmax(z(x) / T)_yhat).

    At T = 1000 every softmax is within 0.001 of uniform, where float32 has few values left; so the score is the
    equally ordered T (log mean_{c != y} exp(z_c / T) - z_y / T), y the predicted class, in the units of a logit.
    The gradient's loss is summed over pixels; x is the image in 0..1, so the step on the normalised input is eps over
    its deviation. This is the one detector that runs the network again (twice, once with a gradient).

    Reads images and the network.

    Source: Liang et al. 2018 (https://arxiv.org/abs/1706.02690) equations 1 and 2; T, eps as OpenOOD.

    Args:
        temperature: T.
        epsilon: size of the step, in units of an image scaled to 0..1.

    Raises:
        ConfigError: the temperature is not above zero, or the step is below it.
    """

    reads = frozenset({"images", "network"})

    def __init__(self, temperature: float = 1000.0, epsilon: float = 0.0014) -> None:
        super().__init__()
        if not temperature > 0 or epsilon < 0:
            raise ConfigError(f"odin: needs temperature > 0 and epsilon >= 0, not {temperature:g}, {epsilon:g}")
        self.temperature, self.epsilon = temperature, epsilon

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, at most 0."""
        segmenter = cast("Segmenter", prediction.network)
        # A step after it may score inside inference mode, which a gradient must leave.
        with torch.inference_mode(mode=False), torch.enable_grad():
            normalised = segmenter.normalise(prediction.images).requires_grad_()
            tempered = segmenter.raw(normalised)[0].float() / self.temperature
            loss = nll_loss(tempered.log_softmax(dim=1), tempered.argmax(dim=1), reduction="sum")
            (gradient,) = torch.autograd.grad(loss, normalised)
        with torch.inference_mode():
            moved = normalised.detach() - self.epsilon * gradient.sign() / segmenter.std
            return _tempered_odds(prediction.at_logit_size(segmenter.raw(moved)[0]), self.temperature)


def _tempered_odds(logits: Tensor, temperature: float) -> Tensor:
    """T (log mean over the other channels of exp(z/T) - max z/T), [B,*S] f32 of [B,K,*S]."""
    top, channel = logits.max(dim=1, keepdim=True)
    gaps = (logits - top).double() / temperature
    gaps = gaps.scatter_(1, channel, float("-inf"))
    return (temperature * (gaps.logsumexp(dim=1) - math.log(logits.shape[1] - 1))).float()

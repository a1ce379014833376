"""ODIN: tempered softmax of an input moved towards its own prediction."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from ood_eval.detectors.detector import Detector
from ood_eval.models.forward import Forward


class ODIN(Detector):
    """s = 1 - max_c softmax(z(x') / T)_c with x' = x - eps sign(grad_x -log softmax(z(x) / T)_yhat).

    The loss is the mean over pixels; x is the image in 0..1, so the step on the normalised input is eps over its
    deviation. This is the one detector that runs the network again (twice, once with a gradient).

    Source: Liang et al. 2018 (https://arxiv.org/abs/1706.02690) equations 1 and 2; T, eps as OpenOOD.

    Args:
        temperature: T.
        epsilon: size of the step, in units of an image scaled to 0..1.
    """

    def __init__(self, temperature: float = 1000.0, epsilon: float = 0.0014) -> None:
        super().__init__()
        self.temperature, self.epsilon = temperature, epsilon

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32 in 0..1."""
        segmenter = forward.segmenter
        with torch.enable_grad():
            normalised = segmenter.normalise(forward.images).requires_grad_()
            tempered = segmenter.raw(normalised)[0].float() / self.temperature
            loss = nll_loss(tempered.log_softmax(dim=1), tempered.argmax(dim=1), reduction="sum")
            (gradient,) = torch.autograd.grad(loss, normalised)
        with torch.inference_mode():
            moved = normalised.detach() - self.epsilon * gradient.sign() / segmenter.std
            logits = forward.upsample(segmenter.raw(moved)[0]) / self.temperature
            return -torch.expm1(logits.log_softmax(dim=1).amax(dim=1))

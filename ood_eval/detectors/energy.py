"""Energy: negative free energy of the logits."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError
from ood_eval.networks.forward import Forward


class Energy(Detector):
    """s = -T log sum_c exp(z_c / T).

    At T = 1 the sum is read off the shared log softmax: log sum exp z = z_c - log p_c for any c.

    Source: Liu et al. 2020 (https://arxiv.org/abs/2010.03759) equation 4.

    Args:
        temperature: T, above zero.

    Raises:
        ConfigError: the temperature is not above zero.
    """

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ConfigError(f"energy: the temperature must be above zero, not {temperature}")
        self.temperature = temperature

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32, unbounded."""
        with torch.inference_mode():
            if self.temperature == 1.0:
                return forward.log_probabilities.amax(dim=1) - forward.top[0]
            return -self.temperature * (forward.output.logits / self.temperature).logsumexp(dim=1)

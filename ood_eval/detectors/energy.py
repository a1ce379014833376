"""Energy: negative free energy of the logits."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction


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

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, unbounded."""
        with torch.inference_mode():
            if self.temperature == 1.0:
                return prediction.log_probabilities.amax(dim=1) - prediction.top[0]
            return -self.temperature * (prediction.logits / self.temperature).logsumexp(dim=1)

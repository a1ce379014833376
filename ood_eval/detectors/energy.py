"""Energy: negative free energy of the logits."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction
from ood_eval.networks.softmax import Softmax


class Energy(Detector):
    """s = -T log sum_c exp(z_c / T).

    At T = 1 the sum is the one that all detectors share.

    Reads logits.

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
                return -prediction.softmax.log_sum
            return -self.temperature * Softmax.of(prediction.logits / self.temperature).log_sum

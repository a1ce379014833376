"""Blurred saturation: how colourful a neighbourhood is."""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.steps.gaussian import gaussian_smooth
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction

_REACH_SIGMAS: Final = 3.0


class Saturation(Detector):
    """s = G * (max(R,G,B) - min(R,G,B)) / max(R,G,B): HSV saturation under a Gaussian; a baseline without a network.

    Streets are grey and much that does not belong there is painted. What a detector finds beyond this it cannot owe to
    colour alone. Black pixels have saturation 0. Edges are replicated, the kernel ends at three deviations. Reads
    images, of maps only.

    Source: Smith 1978, Color gamut transform pairs (https://doi.org/10.1145/800248.807361), for the saturation.

    Args:
        sigma: deviation of the Gaussian as a share of the picture's width.

    Raises:
        ConfigError: sigma is not between 0 and a quarter.
    """

    title = "Blurred saturation"
    reads = frozenset({"images", "map"})
    baseline = True

    def __init__(self, sigma: float = 0.01) -> None:
        super().__init__()
        if not 0.0 < sigma <= 0.25:
            raise ConfigError(f"saturation: sigma is a share of the width, above 0 and at most 0.25, not {sigma:g}")
        self.sigma = sigma

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,H,W] f32 in 0..1."""
        with torch.inference_mode():
            high, low = prediction.images.amax(dim=1).float(), prediction.images.amin(dim=1).float()
            saturation = (high - low) / high.clamp(min=1.0)
            sigma_px = self.sigma * saturation.shape[2]
            size = 2 * math.ceil(_REACH_SIGMAS * sigma_px) + 1
            return gaussian_smooth(saturation, size, sigma_px)

"""AE: how badly an autoencoder of training images redraws a pixel."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.networks.autoencoder import Autoencoder, unit_images
from ood_eval.networks.forward import Forward


class AE(Detector):
    """s = mean over RGB of (x - x')^2, x the image in 0..1 and x' its reconstruction.

    Unblurred; `ae+blur(7,1)` names the blurred one.

    Source: Hendrycks et al. 2022 section 5.1, after Baur et al. 2018 (https://arxiv.org/abs/1804.04488).
    """

    requires = frozenset({"autoencoder"})
    shares_pass = False

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32 in 0..1."""
        autoencoder = cast("Autoencoder", forward.extras.autoencoder)
        with torch.inference_mode():
            images = unit_images(forward.images)
            redrawn: Tensor = autoencoder(images)
            return (images - redrawn.float()).square().mean(dim=1)

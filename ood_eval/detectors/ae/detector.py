"""AE: how badly an autoencoder of training images reconstructs a pixel."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.ae.network import unit_images
from ood_eval.detectors.ae.recipe import AUTOENCODER
from ood_eval.detectors.detector import Detector
from ood_eval.networks.prediction import Prediction


class AE(Detector):
    """s = mean over RGB of (x - x')^2, x the image in 0..1 and x' its reconstruction.

    Unblurred; `ae+blur(7,1)` names the blurred one.

    Reads images, of maps only; its network is trained on training images before.

    Source: Hendrycks et al. 2022 section 5.1, after Baur et al. 2018 (https://arxiv.org/abs/1804.04488).
    """

    reads = frozenset({"images", "map"})
    trained_part = AUTOENCODER
    reads_labels = False

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,H,W] f32 in 0..1."""
        with torch.inference_mode():
            images = unit_images(prediction.images)
            reconstructed: Tensor = self.part(images)
            return (images - reconstructed.float()).square().mean(dim=1)

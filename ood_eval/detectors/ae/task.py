"""Training of the autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.ae.network import Autoencoder, unit_images
from ood_eval.training.recipe import Recipe
from ood_eval.training.task import TrainingTask


class ReconstructionTask(TrainingTask):
    """Mean squared error of reconstructed pixels; labels are not used.

    Source: Hendrycks et al. 2022 section 5.1 ("pixel-wise reconstruction loss").

    Args:
        autoencoder: what is trained, in place.
        recipe: how.
        steps: optimiser steps of the whole run.
        seed: unused by the step itself, but of the views.
    """

    def __init__(self, autoencoder: Autoencoder, recipe: Recipe, steps: int, seed: int) -> None:
        super().__init__(recipe, steps, seed)
        self.autoencoder = autoencoder.to(memory_format=torch.channels_last)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch: images [B,3,h,w] u8, and train ids."""
        images = unit_images(batch[0])
        reconstructed: Tensor = self.autoencoder(images)
        return (images - reconstructed.float()).square().mean()

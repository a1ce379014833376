"""The training step of a segmenter, as Lightning runs it."""

from __future__ import annotations

import math
from typing import Any, cast

import lightning
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from ood_eval.data.sample import VOID
from ood_eval.errors import TrainingError
from ood_eval.models.segmenter import Segmenter
from ood_eval.training.recipe import Recipe


class SegmentationTask(lightning.LightningModule):
    """Cross entropy over pixels that are not void, with the auxiliary head's loss added.

    Dropout is seeded by the step, so a run that was interrupted and continued ends in the same weights.

    Args:
        segmenter: what is trained, in place.
        recipe: how.
        steps: optimiser steps of the whole run.
        seed: of dropout.
    """

    def __init__(self, segmenter: Segmenter, recipe: Recipe, steps: int, seed: int) -> None:
        super().__init__()
        self.segmenter, self.recipe, self.steps, self.seed = segmenter, recipe, steps, seed
        self.last_loss = float("nan")

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:  # noqa: ARG002
        """Seeds dropout from the step."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch: images [B,3,h,w] u8 and train ids [B,h,w] u8.

        Raises:
            TrainingError: the loss is not finite.
        """
        images, classes = batch
        stride = self.recipe.loss_stride
        target = classes[:, stride // 2 :: stride, stride // 2 :: stride].long()
        target = torch.where(target == VOID, -100, target)
        logits, _, helper = self.segmenter(images)
        loss = _pixel_loss(logits, target)
        if helper is not None and self.recipe.auxiliary_weight > 0:
            loss = loss + self.recipe.auxiliary_weight * _pixel_loss(helper, target)
        self.last_loss = float(loss.detach())
        if not math.isfinite(self.last_loss):
            raise TrainingError(
                f"the loss became {self.last_loss} at step {self.global_step + 1}; "
                f"lower --learning-rate (it is {self.recipe.learning_rate:g}) and run again"
            )
        return loss

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """Optimiser and the polynomial schedule with warm-up, stepped every batch."""
        recipe = self.recipe
        groups = list(_parameter_groups(self.segmenter.network, recipe))
        optimizer: torch.optim.Optimizer
        if recipe.optimizer == "sgd":
            optimizer = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
        else:
            optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, self.steps, recipe))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def rate_factor(step: int, steps: int, recipe: Recipe) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then (1 - progress) ** power.

    Source: Zhao et al. 2017 section 5.1 ("poly" policy).
    """
    warm = round(recipe.warmup * steps)
    if step < warm:
        return float((step + 1) / (warm + 1))
    return float((1.0 - (step - warm) / max(steps - warm, 1)) ** recipe.power) if step < steps else 0.0


def _pixel_loss(logits: Tensor, target: Tensor) -> Tensor:
    size = (target.shape[1], target.shape[2])
    resized = logits.float()
    if resized.shape[2:] != size:
        resized = interpolate(resized, size=size, mode="bilinear", align_corners=False)
    total = cross_entropy(resized, target, ignore_index=-100, reduction="sum")
    return total / (target != -100).sum().clamp_min(1)


def _parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    encoder = {id(value) for value in cast("nn.Module", network.encoder).parameters()}
    groups = []
    for inside, rate in ((True, recipe.learning_rate * recipe.encoder_rate), (False, recipe.learning_rate)):
        own = [value for value in network.parameters() if (id(value) in encoder) is inside]
        for decays in (True, False):
            chosen = [value for value in own if (value.ndim > 1) is decays]
            groups.append({"params": chosen, "lr": rate, "weight_decay": recipe.weight_decay if decays else 0.0})
    return groups

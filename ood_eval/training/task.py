"""Training steps as Lightning runs them: what all share, and a segmenter's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final, cast

import lightning
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from ood_eval.datasets.sample import VOID
from ood_eval.errors import TrainingError
from ood_eval.networks.segmenter import Segmenter
from ood_eval.training.recipe import Recipe

# A target that no loss counts; torch's own default.
IGNORED: Final = -100


class TrainingTask(lightning.LightningModule):
    """What every training here shares: seeded steps, a finite loss, and the recipe's optimiser and schedule.

    Subclasses implement `training_step`, which returns the loss; the loop ends where it is not finite. Dropout is
    seeded by the step, so a run that was interrupted and continued ends in the same weights.

    Args:
        recipe: how.
        steps: optimiser steps of the whole run.
        seed: of dropout and of whatever else a step draws.
    """

    # What a user does about a loss that is no number.
    remedy: str = "lower learning_rate in its recipe"

    def __init__(self, recipe: Recipe, steps: int, seed: int) -> None:
        super().__init__()
        self.recipe, self.steps, self.seed = recipe, steps, seed
        self.last_loss = float("nan")

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None:  # noqa: ARG002
        """Seeds torch from the step, and from the process among those that train together."""
        torch.manual_seed(self.seed * 1_000_003 + self.global_step + (self.global_rank << 40))

    def mean_over_processes(self, value: Tensor) -> Tensor:
        """The mean of a number over the processes that train together; no gradient."""
        # The group of an earlier, shared training outlives it: the trainer knows whether this one is shared.
        if self._trainer is None or self.trainer.world_size == 1:
            return value
        total = value.detach().double()
        torch.distributed.all_reduce(total)
        return (total / torch.distributed.get_world_size()).to(torch.float32)

    def refuse_infinite(self, loss: Tensor, name: str) -> None:
        """Keeps the mean of a step's loss over the processes, which the bar shows; the loop calls it at every step.

        Args:
            loss: of this step, a number.
            name: of what is trained.

        Raises:
            TrainingError: the mean loss is not finite; all processes raise it.
        """
        self.last_loss = float(self.mean_over_processes(loss.detach()))
        if not math.isfinite(self.last_loss):
            raise TrainingError(
                f"{name}: the loss became {self.last_loss} at step {self.global_step + 1} of {self.steps}; "
                f"{self.remedy} (it is {self.recipe.learning_rate:g}) and run again"
            )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups of the optimiser: decayed weights, and those of one dimension, which are not."""
        return list(_decay_groups(list(self.parameters()), self.recipe.learning_rate, self.recipe.weight_decay))

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """Optimiser and the polynomial schedule with warm-up, stepped every batch."""
        recipe, groups = self.recipe, self.parameter_groups()
        optimizer: torch.optim.Optimizer
        if recipe.optimizer == "sgd":
            optimizer = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
        else:
            optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_factor(step, self.steps, recipe))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class SegmentationTask(TrainingTask):
    """Cross entropy over pixels that are not void, with the auxiliary head's loss added.

    Args:
        segmenter: what is trained, in place.
        recipe: how.
        steps: optimiser steps of the whole run.
        seed: of dropout.
    """

    remedy = "lower --learning-rate"

    def __init__(self, segmenter: Segmenter, recipe: Recipe, steps: int, seed: int) -> None:
        super().__init__(recipe, steps, seed)
        self.segmenter = segmenter

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch: images [B,3,h,w] u8 and train ids [B,h,w] u8."""
        images, classes = batch
        target = coarse_target(classes, self.recipe.loss_stride)
        logits, _, helper = self.segmenter(images)
        # The mean count, so that the mean of the processes' gradients is that of the whole batch.
        count = self.mean_over_processes((target != IGNORED).sum()).clamp_min(1)
        loss = _pixel_loss(logits, target) / count
        if helper is not None and self.recipe.auxiliary_weight > 0:
            loss = loss + self.recipe.auxiliary_weight * _pixel_loss(helper, target) / count
        return loss

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The encoder at its own rate, the rest at the recipe's."""
        recipe, network = self.recipe, self.segmenter.network
        encoder = {id(value) for value in cast("nn.Module", network.encoder).parameters()}
        groups: list[dict[str, Any]] = []
        for inside, rate in ((True, recipe.learning_rate * recipe.encoder_rate), (False, recipe.learning_rate)):
            own = [value for value in network.parameters() if (id(value) in encoder) is inside]
            groups.extend(_decay_groups(own, rate, recipe.weight_decay))
        return groups


def rate_factor(step: int, steps: int, recipe: Recipe) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then (1 - progress) ** power.

    Source: Zhao et al. 2017 section 5.1 ("poly" policy).
    """
    warm = round(recipe.warmup * steps)
    if step < warm:
        return float((step + 1) / (warm + 1))
    return float((1.0 - (step - warm) / max(steps - warm, 1)) ** recipe.power) if step < steps else 0.0


def coarse_target(classes: Tensor, stride: int) -> Tensor:
    """Train ids [B,H,W] u8 sub-sampled to one of `stride` pixels in each direction, i64, with -100 for void."""
    target = classes[:, stride // 2 :: stride, stride // 2 :: stride].long()
    return torch.where(target == VOID, IGNORED, target)


def resized_to(maps: Tensor, target: Tensor) -> Tensor:
    """Maps [B,C,h,w] as f32 at the size of a target [B,H,W], bilinearly."""
    size = (target.shape[1], target.shape[2])
    single = maps.float()
    if single.shape[2:] == size:
        return single
    return interpolate(single, size=size, mode="bilinear", align_corners=False)


def _pixel_loss(logits: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(resized_to(logits, target), target, ignore_index=IGNORED, reduction="sum")


def _decay_groups(values: list[nn.Parameter], rate: float, decay: float) -> Iterator[dict[str, Any]]:
    for decays in (True, False):
        chosen = [value for value in values if (value.ndim > 1) is decays]
        yield {"params": chosen, "lr": rate, "weight_decay": decay if decays else 0.0}

"""Training of the confidence branch on a frozen segmenter."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ood_eval.detectors.branch.network import ConfidenceBranch
from ood_eval.networks.segmenter import Segmenter
from ood_eval.training.recipe import Recipe
from ood_eval.training.task import IGNORED, TrainingTask, coarse_target, resized_to

# Source: DeVries and Taylor 2018 (https://arxiv.org/abs/1802.04865) sections 3.2 to 3.4; lambda 0.1 as in their code.
FIRST_LAMBDA: Final = 0.1
BUDGET: Final = 0.3
_EPSILON: Final = 1e-12


class BranchTask(TrainingTask):
    """The budgeted loss of the confidence, with hints for a random half of each batch.

    The segmenter is frozen, in evaluation and no part of this module: the other detectors must be measured on the same
    weights, and a given checkpoint must be usable too. Trained together, as published, the branch would also shape the
    features; that is the departure.

    Args:
        branch: what is trained, in place.
        segmenter: whose features and posteriors it sees.
        recipe: how.
        steps: optimiser steps of the whole run.
        seed: of the hints.
    """

    weight: Tensor

    def __init__(self, branch: ConfidenceBranch, segmenter: Segmenter, recipe: Recipe, steps: int, seed: int) -> None:
        super().__init__(recipe, steps, seed)
        self.branch = branch
        self._frozen = (segmenter.eval(),)
        # Lambda; a buffer, so that a continued run goes on with it.
        self.register_buffer("weight", torch.tensor(FIRST_LAMBDA, dtype=torch.float64))

    def on_fit_start(self) -> None:
        """Takes the segmenter to where the branch is."""
        self._frozen[0].to(self.device)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch: images [B,3,h,w] u8 and train ids [B,h,w] u8."""
        images, classes = batch
        target = coarse_target(classes, self.recipe.loss_stride)
        with torch.no_grad():
            logits, features, _ = self._frozen[0](images)
        odds = resized_to(self.branch(features), target)[:, 0]
        hints = torch.rand(len(images), device=images.device) < 0.5
        task_loss, confidence_loss = branch_losses(resized_to(logits, target), odds, target, hints)
        loss = task_loss + float(self.weight) * confidence_loss
        self.weight.fill_(next_lambda(float(self.weight), float(confidence_loss.detach())))
        return loss


def branch_losses(logits: Tensor, odds: Tensor, target: Tensor, hints: Tensor) -> tuple[Tensor, Tensor]:
    """Loss of the hinted prediction, and L_c = mean(-log c); both over pixels that are not ignored.

    p' = c' p + (1 - c') y, where c' is c for images with hints and 1 for the others; only the true class's p' counts.

    Args:
        logits: [B,K,h,w] f32.
        odds: log-odds of c, [B,h,w] f32.
        target: classes [B,h,w] i64, -100 ignored.
        hints: which images have hints, [B] bool.
    """
    kept = target != IGNORED
    count = kept.sum().clamp_min(1)
    true = logits.softmax(dim=1).gather(1, target.clamp_min(0)[:, None])[:, 0]
    confidence = torch.where(hints[:, None, None], odds.sigmoid(), torch.ones_like(odds))
    hinted = confidence * true + (1.0 - confidence)
    task_loss = -(hinted + _EPSILON).log()
    # -log sigmoid(u) = softplus(-u), finite for every u.
    return (task_loss * kept).sum() / count, (softplus(-odds) * kept).sum() / count


def next_lambda(weight: float, confidence_loss: float) -> float:
    """Lambda after a batch whose L_c was this: smaller while L_c is under the budget, else larger.

    The CAOS paper words the condition on the sum of c; a sum over pixels always exceeds the budget, so L_c is meant.
    """
    return weight / 1.01 if confidence_loss < BUDGET else weight / 0.99

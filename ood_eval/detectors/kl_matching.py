"""KL matching: distance of a posterior to the typical posterior of each class."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import DetectorError
from ood_eval.networks.prediction import Prediction
from ood_eval.networks.strips import by_strips


class KLMatching(Detector):
    """s = min_k KL(p || d_k), d_k the mean posterior of the pixels predicted as k on validation images.

    No labels are used; a class that is never predicted has a one-hot d_k. As KL = sum p log p - p . log d_k, all
    classes are one matrix product.

    Reads logits, and the validation split before.

    Source: Hendrycks et al. 2022 appendix A.
    """

    title = "KL matching"
    fit_split = "validation"
    reads_labels = False
    _floor = 1e-12

    def __init__(self) -> None:
        super().__init__()
        self.sums: Tensor = torch.zeros(0, 0, dtype=torch.float64)

    def observe(self, prediction: Prediction, labels: Tensor) -> None:  # noqa: ARG002
        """Adds posteriors to the sum of the class they predict; labels are not used."""
        with torch.inference_mode():
            p = prediction.logits.softmax(dim=1)
            classes = p.shape[1]
            flat = p.movedim(1, -1).reshape(-1, classes)
            sums = torch.zeros(classes, classes, dtype=torch.float64)
            sums.index_add_(0, prediction.top[1].reshape(-1).cpu(), flat.cpu().double())
        self.sums = sums if self.sums.numel() == 0 else self.sums + sums

    def finish(self) -> None:
        """Accepts what was observed.

        Raises:
            DetectorError: no image was observed.
        """
        if self.sums.numel() == 0:
            raise DetectorError("kl_matching: saw no image; its validation split is empty")
        super().finish()

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, at least 0."""
        with torch.inference_mode():
            totals = self.sums.sum(dim=1, keepdim=True)
            typical = torch.where(totals > 0, self.sums / totals.clamp_min(self._floor), torch.eye(len(self.sums)))
            log_typical = typical.clamp_min(self._floor).log().float().to(prediction.logits.device)
            (cross,) = by_strips(
                lambda logits: (torch.einsum("bc...,kc->bk...", logits.softmax(dim=1), log_typical).amax(dim=1),),
                prediction.logits,
            )
            return cross.add_(prediction.softmax.entropy).neg_().clamp_min_(0.0)

    def state(self) -> dict[str, Tensor]:
        """Sum of posteriors per predicted class, [K,K] f64."""
        return {"sums": self.sums}

"""SML: max logits standardised per predicted class."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.steps.boundary import Boundary
from ood_eval.detectors.steps.smooth import Smooth
from ood_eval.detectors.steps.step import Score
from ood_eval.errors import DetectorError
from ood_eval.networks.prediction import Prediction


class StandardizedMaxLogits(Detector):
    """s = -(max_c z_c - mu_k) / sigma_k, k the predicted class, statistics over training pixels predicted as k.

    Then, as published, scores at the borders of predicted classes are replaced from around them and all are smoothed
    by a dilated Gaussian. A class that is never predicted in training takes the statistics of all pixels.

    Reads logits, of maps where borders are suppressed or scores smoothed, and the training split before.

    Source: Jung et al. 2021 (https://arxiv.org/abs/2107.11264) equations 3 to 5, sections 3.3 and 3.4.

    Args:
        boundary: whether borders are suppressed; the step `boundary(4)`.
        smoothing: whether scores are smoothed; the step `smooth(7,1,6)`.
    """

    title = "SML"
    fit_split = "training"
    reads_labels = False

    def __init__(self, *, boundary: bool = True, smoothing: bool = True) -> None:
        super().__init__()
        self._border = Boundary() if boundary else None
        self._smoothing = Smooth() if smoothing else None
        if boundary or smoothing:
            self.reads = self.reads | {"map"}
        self.moments: Tensor = torch.zeros(3, 0, dtype=torch.float64)

    def observe(self, prediction: Prediction, labels: Tensor) -> None:  # noqa: ARG002
        """Adds count, sum and sum of squares of the max logits per predicted class; labels are not used."""
        values, channels = (part.reshape(-1).cpu() for part in prediction.top)
        classes = prediction.logits.shape[1]
        values = values.double()
        rows = [torch.bincount(channels, weight, minlength=classes) for weight in (values**0, values, values**2)]
        moments = torch.stack([row.double() for row in rows])
        self.moments = moments if self.moments.numel() == 0 else self.moments + moments

    def finish(self) -> None:
        """Accepts what was observed.

        Raises:
            DetectorError: no image was observed.
        """
        if self.moments.numel() == 0:
            raise DetectorError("standardized_max_logits: saw no image; its training split is empty")
        super().finish()

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, unbounded."""
        score: Score = self._standardized
        for step in (self._border, self._smoothing):
            score = partial(step.score, score) if step is not None else score
        return score(prediction)

    def _standardized(self, prediction: Prediction) -> Tensor:
        count, first, second = self.moments
        empty = count < 2
        whole = self.moments.sum(dim=1)
        count, first, second = (torch.where(empty, all_, own) for all_, own in zip(whole, self.moments, strict=True))
        mean = first / count.clamp_min(1.0)
        variance = (second - count * mean**2) / (count - 1).clamp_min(1.0)
        deviation = variance.clamp_min(1e-12).sqrt()
        device = prediction.logits.device
        values, channels = prediction.top
        with torch.inference_mode():
            return (mean.float().to(device)[channels] - values) / deviation.float().to(device)[channels]

    def state(self) -> dict[str, Tensor]:
        """Count, sum and sum of squares of max logits per predicted class, [3,K] f64."""
        return {"moments": self.moments}

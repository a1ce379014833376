"""Protocol `pytorch_ood`: the mean over images, with the trapezoid and the first recall."""

from __future__ import annotations

from typing import ClassVar

from ood_eval.metrics.caos import Caos
from ood_eval.metrics.curve import RankingCurve
from ood_eval.metrics.protocol import Number


class PytorchOod(Caos):
    """Per-image AUROC, trapezoid AUPR and FPR at the first recall of 95 %, averaged; void pixels dropped.

    The peer raises on an image with one class only. A whole run should not end there, so its numbers become NaN and
    `skipped` says for how many images.

    Source: kkirchheim/pytorch-ood, `OODMetrics(mode="segmentation")` with a void label.
    """

    name: ClassVar[str] = "pytorch_ood"
    title: ClassVar[str] = "pytorch_ood"
    words: ClassVar[str] = "the mean over images (pytorch-ood; AUPR by the trapezoid, FPR at the first recall of 95 %)"
    in_main_table: ClassVar[bool] = False
    counts_as: ClassVar[str] = "pytorch_ood"
    drops_void: ClassVar[bool] = True

    def of_image(self, curve: RankingCurve) -> tuple[float, float, float]:
        """AUROC, AUPR and FPR95 of one image with both classes."""
        return curve.auroc(), curve.trapezoid_aupr(), curve.fpr_at_first_recall()

    def compute(self) -> list[Number]:
        """The three means; NaN when any image lacks a class."""
        numbers = super().compute()
        if not numbers[0].skipped:
            return numbers
        nan = float("nan")
        return [Number(one.metric, nan, nan, nan, one.images, one.pixels, one.skipped) for one in numbers]

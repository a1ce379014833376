"""Protocol `pytorch_ood`: the mean over images, with the trapezoid and the first recall."""

from __future__ import annotations

from typing import ClassVar

from ood_eval.metrics.caos import Caos
from ood_eval.metrics.curve import RankingCurve


class PytorchOod(Caos):
    """Per-image AUROC, trapezoid AUPR and FPR at the first recall of 95 %, averaged; void pixels dropped.

    Images with one class only are skipped and counted, as the peer does with a warning.

    Source: kkirchheim/pytorch-ood 0.4, `OODPerImageSegmentationMetrics` with a void label, `AUPR-OUT` for the AUPR.
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

"""Protocols that count as `dataset` does and read other numbers off the counts."""

from __future__ import annotations

from typing import ClassVar

from ood_eval.metrics.binned import Bracket
from ood_eval.metrics.dataset import Dataset
from ood_eval.metrics.protocol import USUAL, Metric


class Fishyscapes(Dataset):
    """Pooled AUROC, AP and FPR at the first recall of 95 %, void dropped: `dataset` under its benchmark's name.

    Source: Blum et al. 2021; hermannsblum/bdl-benchmark.
    """

    name: ClassVar[str] = "fishyscapes"
    title: ClassVar[str] = "fishyscapes"
    words: ClassVar[str] = "all pixels without void in one ranking (Fishyscapes)"
    in_main_table: ClassVar[bool] = False
    beside_curves: ClassVar[bool] = False


class Rba(Dataset):
    """Pooled AUROC and AP, and the FPR at the first recall strictly above 95 %.

    Source: NazirNayal8/RbA and matejgrcic/DenseHybrid.
    """

    name: ClassVar[str] = "rba"
    title: ClassVar[str] = "rba"
    words: ClassVar[str] = "all pixels without void in one ranking (RbA; FPR at the first recall above 95 %)"
    in_main_table: ClassVar[bool] = False
    beside_curves: ClassVar[bool] = False

    def readings(self) -> dict[str, Bracket]:
        """AUROC, AP and the strict FPR95."""
        return super().readings() | {"fpr95": self.histogram.fpr_above_recall()}


class Interp(Dataset):
    """Pooled AUROC, trapezoid AUPR, and the FPR interpolated at a recall of 95 %; `ap` beside them.

    Source: tayden/ood-metrics; Mask2Anomaly and Standardized-max-logits take its FPR95, the former with AP.
    """

    name: ClassVar[str] = "interp"
    title: ClassVar[str] = "interp"
    words: ClassVar[str] = (
        "all pixels without void in one ranking (ood-metrics; FPR by interpolation, AUPR by the trapezoid)"
    )
    in_main_table: ClassVar[bool] = False
    beside_curves: ClassVar[bool] = False
    metrics: ClassVar[tuple[Metric, ...]] = (*USUAL, Metric("ap", "AP ↑"))

    def readings(self) -> dict[str, Bracket]:
        """AUROC, trapezoid AUPR, interpolated FPR95, and AP."""
        return {
            "auroc": self.histogram.auroc(),
            "aupr": self.histogram.trapezoid_aupr(),
            "fpr95": self.histogram.fpr_interpolated(),
            "ap": self.histogram.average_precision(),
        }

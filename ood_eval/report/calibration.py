"""Where to put the threshold: the operating points that a run found for each detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ood_eval.report.entry import ABSENT
from ood_eval.report.result import Result, Threshold

POINTS: Final = {"best_f1": "best F1", "tpr95": "TPR 95 %"}
_WIDE: Final = {"best_f1": "best F1", "tpr95": "95 % of the anomalous pixels found"}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Operating points' titles, and a line per detector with score, F1, precision, recall and FPR of each."""

    titles: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...]], ...]


def calibration_of(result: Result) -> Calibration | None:
    """The table of thresholds; None if the run left none."""
    names = [name for name in result.detectors if result.thresholds.get(name)]
    if not names:
        return None
    lines = tuple(
        (result.title(name), tuple(text for point in POINTS for text in _texts(result.thresholds[name].get(point))))
        for name in names
    )
    return Calibration(tuple(_WIDE[point] for point in POINTS), lines)


def marks_of(result: Result, detector: str) -> dict[str, float]:
    """Thresholds of a detector by the short title of the operating point."""
    found = result.thresholds.get(detector, {})
    points = {title: found.get(point) for point, title in POINTS.items()}
    return {title: point.threshold for title, point in points.items() if point is not None}


def _texts(point: Threshold | None) -> tuple[str, ...]:
    if point is None:
        return (ABSENT,) * 5
    shares = (point.f1, point.precision, point.recall)
    return (f"{point.threshold:.4g}", *(f"{100 * share:.1f}" for share in shares), f"{100 * point.fpr:.2f}")

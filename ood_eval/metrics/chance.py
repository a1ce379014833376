"""What scores that know nothing give: the base rate, against which every ranking number is to be read."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ood_eval.metrics.curve import RECALL_LEVEL
from ood_eval.metrics.protocol import Metric, Number


def chance_numbers(metrics: Sequence[Metric], base_rate: float, counted: Number) -> list[Number]:
    """The value of each metric for scores drawn at random, of those metrics that have one.

    AUROC is a half; precision is the base rate at every recall, and so is the area under it; of the known pixels as
    many are flagged as of the anomalous; the best F1 flags everything, 2 r / (1 + r) at base rate r.

    Args:
        metrics: of a protocol.
        base_rate: share of anomalous pixels, as the protocol counts them; NaN where a class does not occur.
        counted: any number of the protocol, whose images and pixels these are.
    """
    values = {
        "auroc": 0.5,
        "aupr": base_rate,
        "ap": base_rate,
        "fpr95": RECALL_LEVEL,
        "best_f1": 2.0 * base_rate / (1.0 + base_rate),
    }
    found = []
    for metric in metrics:
        if metric.name in values:
            value = math.nan if math.isnan(base_rate) else values[metric.name]
            found.append(Number(metric.name, value, value, value, counted.images, counted.pixels, counted.skipped))
    return found

"""boundary(width): scores at the borders of predicted classes are replaced from around them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ood_eval.detectors.steps.step import Score, Step
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction


@dataclass(frozen=True)
class Boundary(Step):
    """Iterative boundary suppression, from the widest border inwards.

    A border pixel takes the mean of those of its 3x3 neighbours that are no border, and stays if there are none.

    Source: Jung et al. 2021 (https://arxiv.org/abs/2107.11264) section 3.3; width 4 as published.

    Args:
        width: iterations; the first widens the border by width - 1 pixels, the last by none.

    Raises:
        ConfigError: the width is below one.
    """

    reads = frozenset({"logits", "map"})
    width: int = 4

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ConfigError(f"boundary: the width must be at least 1, not {self.width}")

    def score(self, inner: Score, prediction: Prediction) -> Tensor:
        """[B,H,W] f32."""
        with torch.inference_mode():
            return suppress_boundaries(inner(prediction), prediction.top[1], self.width)


def suppress_boundaries(scores: Tensor, classes: Tensor, width: int) -> Tensor:
    """Scores [B,H,W] f32 without the borders of classes [B,H,W] i64."""
    borders = [class_borders(classes)]
    for _ in range(width - 1):
        borders.append(plus_dilated(borders[-1]))
    for border in reversed(borders):
        inside = border.logical_not().float()
        count = _summed(inside)
        mean = _summed(scores * inside) / count.clamp_min(1.0)
        scores = torch.where(border & (count > 0.0), mean, scores)
    return scores


def class_borders(classes: Tensor) -> Tensor:
    """Where a plus-shaped dilation of the class map [B,H,W] differs from its 3x3 erosion, [B,H,W] bool."""
    # Of fewer than 256 classes in practice; numbers this small are compared 32 at a time.
    values = classes.to(torch.uint8) if int(classes.max()) < 256 else classes
    rows = torch.minimum(torch.minimum(*_beside(values, 1)), values)
    eroded = torch.minimum(torch.minimum(*_beside(rows, 2)), rows)
    return plus_dilated(values) != eroded


def plus_dilated(values: Tensor) -> Tensor:
    """The largest of each place and its four neighbours, of [B,H,W]."""
    found = values
    for beside in (*_beside(values, 1), *_beside(values, 2)):
        found = torch.maximum(found, beside)
    return found


def _summed(values: Tensor) -> Tensor:
    """Sums over 3x3 places of [B,H,W], edges replicated."""
    for axis in (1, 2):
        before, after = _beside(values, axis)
        values = before + values + after
    return values


def _beside(values: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """[B,H,W] moved by one place along an axis, forwards and backwards; edges replicated."""
    size = values.shape[axis]
    first, last = values.narrow(axis, 0, 1), values.narrow(axis, size - 1, 1)
    return (
        torch.cat([first, values.narrow(axis, 0, size - 1)], dim=axis),
        torch.cat([values.narrow(axis, 1, size - 1), last], dim=axis),
    )

"""boundary(width): scores at the borders of predicted classes are replaced from around them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

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
        borders.append(_plus_dilated(borders[-1]))
    for border in reversed(borders):
        inside = pad(1.0 - border, (1, 1, 1, 1), mode="replicate")
        padded = pad(scores[:, None], (1, 1, 1, 1), mode="replicate")
        share = avg_pool2d(inside, 3, stride=1)
        mean = avg_pool2d(padded * inside, 3, stride=1) / share.clamp_min(1e-6)
        replaced = (border > 0) & (share > 0.05)
        scores = torch.where(replaced, mean, scores[:, None])[:, 0]
    return scores


def class_borders(classes: Tensor) -> Tensor:
    """1 where a plus-shaped dilation of the class map differs from its 3x3 erosion, else 0; [B,1,H,W] f32."""
    values = classes[:, None].float()
    return (_plus_dilated(values) != -max_pool2d(-values, 3, stride=1, padding=1)).float()


def _plus_dilated(values: Tensor) -> Tensor:
    rows = max_pool2d(values, (3, 1), stride=1, padding=(1, 0))
    return torch.maximum(rows, max_pool2d(values, (1, 3), stride=1, padding=(0, 1)))

"""multiscale(scale,...,of=WHAT): averages over image scales."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.steps.step import Score, Step
from ood_eval.errors import ConfigError
from ood_eval.networks.averaged import AveragedNetwork, resized
from ood_eval.networks.prediction import Prediction

What = Literal["logits", "probabilities", "scores"]


@dataclass(frozen=True)
class MultiScale(Step):
    """Averages logits or probabilities, and features, before scoring, or the scores themselves.

    The released CAOS code averages probabilities and calls their maximum "maxlogit"; so the choice must be made.

    Source: hendrycks/anomaly-seg, eval_ood.py, and CSAIL's configuration (short sides 300 to 600 of a usual 450, which
    are five scales 2/3 to 4/3); here the five span half to one and a half.

    Args:
        averaged: what is averaged; users write `of=`.
        scales: factors on height and width.

    Raises:
        ConfigError: nothing or something else is averaged, or a scale is not above zero.
    """

    reads = frozenset({"images"})
    averaged: What
    scales: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.5)

    def __post_init__(self) -> None:
        if self.averaged not in get_args(What):
            raise ConfigError(f"multiscale: of={self.averaged} is not one of {', '.join(get_args(What))}")
        if not self.scales or not all(
            isinstance(scale, (int, float)) and 0 < scale < math.inf for scale in self.scales
        ):
            raise ConfigError(f"multiscale: scales must be numbers above 0, not {self.scales}")

    @classmethod
    def of(cls, values: Sequence[Any], named: dict[str, Any]) -> Step:
        """The step of the values in `multiscale(scale,...,of=WHAT)`."""
        if set(named) != {"of"}:
            raise ConfigError("multiscale: write of=logits, of=probabilities or of=scores, and nothing else by name")
        return cls(named["of"], tuple(values)) if values else cls(named["of"])

    @property
    def settings(self) -> str:
        """The scales, then what is averaged."""
        return ",".join([*(f"{scale:.12g}" for scale in self.scales), f"of={self.averaged}"])

    def check(self, detector: Detector) -> None:
        """Refuses to average a pass that the detector does not read.

        Raises:
            ConfigError: the detector runs a network on the images itself.
        """
        if self.averaged != "scores" and detector.reads & {"images", "network"}:
            name = type(detector).__name__
            raise ConfigError(f"multiscale: {name} does not read the averaged {self.averaged}; write of=scores")

    def seen(self, prediction: Prediction) -> Prediction:
        """The averaged prediction, or with `of=scores` the plain one."""
        if self.averaged == "scores":
            return prediction
        network = AveragedNetwork(prediction.network, self.scales, self.averaged)
        return prediction.view((self.averaged, self.scales), network, prediction.images)

    def score(self, inner: Score, prediction: Prediction) -> Tensor:
        """[B,*S] f32; the network runs once per scale, for all detectors with this step together."""
        if self.averaged != "scores":
            return inner(self.seen(prediction))
        with torch.inference_mode():
            total = torch.zeros(len(prediction.logits), 1, *prediction.size, device=prediction.logits.device)
            for scale in self.scales:
                total += prediction.at_logit_size(inner(_at_scale(prediction, scale))[:, None])
            return total[:, 0] / len(self.scales)


def _at_scale(prediction: Prediction, scale: float) -> Prediction:
    if scale == 1.0:
        return prediction
    return prediction.view(("scale", scale), prediction.network, resized(prediction.images, scale))

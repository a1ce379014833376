"""A post-processing step: something that can follow any detector, by name."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.settings import checked_settings
from ood_eval.errors import ConfigError
from ood_eval.networks.forward import Forward

Score = Callable[[Forward], Tensor]


class Step(ABC):
    """Turns a way of scoring into another; a frozen dataclass of its settings, whose defaults are published ones."""

    @classmethod
    def of(cls, values: Sequence[Any], named: dict[str, Any]) -> Step:
        """The step of the values in `name(value, ..., key=value)`.

        Raises:
            ConfigError: a value has the wrong type, or is one too many.
        """
        names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        if len(values) > len(names) or set(names[: len(values)]) & set(named):
            raise ConfigError(f"{cls.__name__.lower()}: takes {', '.join(names) or 'no settings'}, each once")
        given = dict(zip(names, values, strict=False)) | named
        return cls(**checked_settings(cls.__name__.lower(), cls.__init__, given))

    @property
    def settings(self) -> str:
        """What stands in the parentheses of the step's canonical name, every setting in order."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return ",".join(f"{getattr(self, field.name):.12g}" for field in fields)

    def check(self, detector: Detector) -> None:  # noqa: B027
        """Refuses a detector on which the step would have no effect.

        Raises:
            ConfigError: it would have none.
        """

    def seen(self, forward: Forward) -> Forward:
        """The pass that the detector is fitted on instead of `forward`."""
        return forward

    @abstractmethod
    def score(self, inner: Score, forward: Forward) -> Tensor:
        """Scores [B,H,W] f32 by means of `inner`, the detector with the steps before this one."""

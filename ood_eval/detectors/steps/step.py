"""A post-processing step: something that can follow any detector, by name."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.settings import checked_settings
from ood_eval.errors import ConfigError
from ood_eval.networks.prediction import Prediction, Reading

Score = Callable[[Prediction], Tensor]


class Step(ABC):
    """Turns a way of scoring into another; a frozen dataclass of its settings, whose defaults are published ones.

    A step says what it `reads` of a prediction beside what the detector does: `map` if it works on score maps only.
    """

    reads: ClassVar[frozenset[Reading]] = frozenset()

    @classmethod
    def of(cls, values: Sequence[Any], named: dict[str, Any]) -> Step:
        """The step of the values in `name(value, ..., key=value)`.

        Raises:
            ConfigError: a value has the wrong type, or is one too many.
        """
        names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        if len(values) > len(names) or set(names[: len(values)]) & set(named):
            raise ConfigError(f"{cls.name()}: takes {', '.join(names) or 'no settings'}, each once")
        given = dict(zip(names, values, strict=False)) | named
        return cls(**checked_settings(cls.name(), cls.__init__, given))

    @classmethod
    def name(cls) -> str:
        """What messages call it."""
        return cls.__name__.lower()

    @property
    def settings(self) -> str:
        """What stands in the parentheses of the step's canonical name, every setting in order."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        return ",".join(f"{getattr(self, field.name):.12g}" for field in fields)

    def check(self, detector: Detector) -> None:  # noqa: B027
        """Refuses a detector on which the step would have no effect.

        Raises:
            ConfigError: the step would change none of the detector's scores.
        """

    def seen(self, prediction: Prediction) -> Prediction:
        """The prediction that the detector is fitted on instead of this one."""
        return prediction

    @abstractmethod
    def score(self, inner: Score, prediction: Prediction) -> Tensor:
        """Scores [B,*S] f32 by means of `inner`, the detector with the steps before this one."""

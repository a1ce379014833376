"""What a detector is: a segmenter's forward pass in, one score per pixel out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor

from ood_eval.errors import DetectorError
from ood_eval.models.forward import Forward

FitSplit = Literal["training", "validation"]


class Detector(ABC):
    """Scores pixels: float32, finite, larger = more anomalous, resolved at the anomalous tail.

    A detector that must see data first names the split in `fit_split`; the runner then calls `observe` on each batch
    and `finish` once. Its constructor's defaults are its published settings. Subclasses implement `score_map`.
    """

    fit_split: ClassVar[FitSplit | None] = None

    def __init__(self) -> None:
        self._ready = self.fit_split is None

    def observe(self, forward: Forward, labels: Tensor) -> None:  # noqa: B027
        """Sees one batch of the fit split; `labels` [B,H,W] u8 train ids, 255 void."""

    def finish(self) -> None:
        """Turns what was observed into what scoring needs."""
        self._ready = True

    def score(self, forward: Forward) -> Tensor:
        """Scores [B,H,W] f32 at image size.

        Raises:
            DetectorError: the detector needs fitting and has not seen `finish`.
        """
        if not self._ready:
            name = type(self).__name__
            raise DetectorError(f"{name} must see the {self.fit_split} split before it can score; call observe, finish")
        return self.score_map(forward)

    @abstractmethod
    def score_map(self, forward: Forward) -> Tensor:
        """Scores [B,H,W] f32 of a ready detector."""

    def state(self) -> dict[str, Tensor]:
        """What fitting has found, by name; empty for a detector that needs none."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave.

        Raises:
            DetectorError: a value is missing.
        """
        for name in self.state():
            if name not in state:
                raise DetectorError(f"{type(self).__name__}: the saved state has no {name!r}; fit it again")
            setattr(self, name, state[name])
        self._ready = True

"""What a detector is: a segmenter's forward pass in, one score per pixel out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Literal

from torch import Tensor

from ood_eval.errors import DetectorError
from ood_eval.networks.extras import ExtraName
from ood_eval.networks.forward import Forward

FitSplit = Literal["training", "validation"]


class Detector(ABC):
    """Scores pixels: float32, finite, larger = more anomalous, resolved at the anomalous tail.

    A detector that must see data first names the split in `fit_split`; the runner then calls `observe` on each batch
    and `finish` once. One that needs a network of its own, or dropout in the segmenter, names it in `requires`; the
    runner trains it and passes it on in `Forward.extras`. Its constructor's defaults are its published settings.
    Subclasses implement `score_map`.

    `shares_pass` is False for one that runs a network on the images itself, so that averaging the shared pass over
    scales would not reach it.
    """

    fit_split: FitSplit | None = None
    requires: frozenset[ExtraName] = frozenset()
    shares_pass: bool = True

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
            DetectorError: the detector needs fitting and has not seen `finish`, or what it requires is not at hand.
        """
        name = type(self).__name__
        if lacking := forward.extras.lacking(self.requires, forward.segmenter):
            raise DetectorError(f"{name} needs {', '.join(lacking)}, which this run has not; see `train_extras`")
        if not self._ready:
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


def required_extras(detectors: Iterable[Detector]) -> frozenset[ExtraName]:
    """All that some detectors require together."""
    return frozenset[ExtraName]().union(*(detector.requires for detector in detectors))

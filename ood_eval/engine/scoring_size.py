"""At which size pictures are scored: their own, that of training, or one that is given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ood_eval.errors import ConfigError

_WRITTEN: Final = re.compile(r"([0-9]{2,5})x([0-9]{2,5})")
_LEAST_PX: Final = 16


@dataclass(frozen=True, slots=True)
class ScoringSize:
    """A box in pixels that a picture is scaled to fit, its shape kept; without one it is scored as it is.

    Score maps are resized to the size of the labels, bilinearly, before anything is counted; labels never are.

    Measured by tests/benchmarks/size_of_scoring.py with an EfficientNet-lite0 of 48 rendered frames of 640x360, on 12
    with anomalies, AUROC over all pixels of MSP, MaxLogit, Energy, Entropy: shrinking 1280x720 to the size of training
    gains 0.2, 1.0, 0.8 and 1.2 points in 0.29 of the time; enlarging 320x180 to it loses 0.9, 4.3, 5.4 and 3.0.

    Args:
        box_px: width and height.
        enlarges: whether a picture that is smaller is scaled up, too.
    """

    box_px: tuple[int, int] | None = None
    enlarges: bool = True

    @classmethod
    def of(cls, text: str, trained_px: tuple[int, int] | None = None) -> ScoringSize:
        """The size that a user wrote.

        Args:
            text: `native`: each picture as it is. `training`: shrunk to the size of the pictures that the segmenter was
                trained on, where it is larger. `WxH`, as 640x360: shrunk or enlarged to that.
            trained_px: width and height of those pictures; None, where the segmenter does not say.

        Raises:
            ConfigError: it is none of these.
        """
        if text == "native":
            return cls()
        if text == "training":
            return cls(trained_px, enlarges=False)
        match = _WRITTEN.fullmatch(text)
        if match is None or min(int(match[1]), int(match[2])) < _LEAST_PX:
            raise ConfigError(f"size {text!r}: must be native, training or WIDTHxHEIGHT in pixels, as 640x360")
        return cls((int(match[1]), int(match[2])))

    def factor(self, height: int, width: int) -> float:
        """What a picture's sides are multiplied by; 1.0 leaves it as it is."""
        if self.box_px is None:
            return 1.0
        factor = min(self.box_px[0] / width, self.box_px[1] / height)
        return factor if self.enlarges else min(factor, 1.0)

    def __str__(self) -> str:
        if self.box_px is None:
            return "native"
        return f"{'' if self.enlarges else 'at most '}{self.box_px[0]}x{self.box_px[1]}"

"""What a protocol is: a named way from scores to numbers, that can be stored, merged and continued."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float64] | NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Number:
    """One metric under one protocol, with bounds on its exact value and what it was counted over.

    `images` and `pixels` are those that entered the number; `skipped` images could not (one class only).
    """

    metric: str
    value: float
    low: float
    high: float
    images: int
    pixels: int
    skipped: int


class RankingProtocol(Protocol):
    """A commutative monoid over images: update, merge, and numbers at the end.

    Protocols of equal `counts_as` count the same thing and read it differently: their states are interchangeable, so
    an evaluation counts once for all of them.
    """

    name: ClassVar[str]
    counts_as: ClassVar[str]

    def update(self, scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> None:
        """Counts one image: scores [H,W] f32 and anomaly [H,W] u8 (0 known, 1 anomaly, 255 void)."""

    def merge(self, other: RankingProtocol) -> None:
        """Adds what another instance of the same class and settings has counted."""

    def state(self) -> Arrays:
        """Everything counted, as plain arrays."""

    def add_state(self, arrays: Arrays) -> None:
        """Adds what `state` of another instance gave."""

    def compute(self) -> list[Number]:
        """AUROC, AUPR and FPR95, NaN where undefined."""

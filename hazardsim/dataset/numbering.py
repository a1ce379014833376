"""Which frame number belongs to which slot of which town: a rule that needs no other frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """Place of one frame: its number in the split (from 1) and its index among the town's frames (from 0)."""

    number: int
    town: str
    index: int


def slot_of(number: int, towns: Sequence[str]) -> Slot:
    """The towns take turns, so that a split grows at its end only."""
    index, turn = divmod(number - 1, len(towns))
    return Slot(number, towns[turn], index)

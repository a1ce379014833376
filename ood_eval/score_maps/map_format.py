"""What a format of score maps is: a way from [H,W] float32 to bytes and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class MapFormat:
    """A row of the table of formats.

    Args:
        suffix: of its files, the first; others are read too.
        bytes_of: a score map [H,W] f32 as the content of a file.
        read: the array of a file, as it is there. It may raise whatever its library does.
        loss: what is lost in it, in words; "" where every float32 comes back to the bit.
        bytes_a_score: of a file, at most.
        others: further suffixes of files that it reads.
    """

    suffix: str
    bytes_of: Callable[[NDArray[Any]], bytes]
    read: Callable[[Path], NDArray[Any]]
    loss: str = ""
    bytes_a_score: int = 4
    others: tuple[str, ...] = ()

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of files that it reads."""
        return (self.suffix, *self.others)

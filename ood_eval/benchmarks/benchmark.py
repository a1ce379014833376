"""What a benchmark must offer to be found, read and scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ood_eval.datasets import SegDataset


class Benchmark(Protocol):
    """What makes a split: called with root, name of the split, and options of its own."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that can be read."""

    @property
    def scored(self) -> str | None:
        """The split that detectors are measured on; None for a set that is for training only."""

    def __call__(self, root: Path, split: str, *args: Any, **options: Any) -> SegDataset:  # noqa: ANN401
        """The split."""

"""What is known of a benchmark beside its samples: who makes its splits, where to get it, how it is recognised."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ood_eval.datasets import SegDataset


class Adapter(Protocol):
    """A class of data sets: made with root, name of the split, and options of its own."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that can be read."""

    @property
    def scored(self) -> str | None:
        """The split that detectors are measured on; None for a set that is for training only."""

    def __call__(self, root: Path, split: str, *args: Any, **options: Any) -> SegDataset:  # noqa: ANN401
        """The split."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """An entry of the registry. Nothing is downloaded.

    Args:
        adapter: makes a split.
        site: of the owner, and what to get there.
        terms: licence or registration, as far as known; read them there.
        size: of the download.
        folders: usual names of its root, besides the benchmark's own.
        signs: patterns of which a root matches one; none, if any folder of the name will do.
        needs: other benchmarks that it lies on, by the option of the adapter that takes their root.
        splits_in: the splits of a root under given options, where they are the user's own; the adapter's, if None.
        takes_label_policy: whether the option `policy` is a label policy of StreetHazards' classes.
        generated: whether all its pictures were rendered by hazardsim.
    """

    adapter: Adapter
    site: str
    terms: str
    size: str
    folders: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    splits_in: Callable[[Path, Mapping[str, Any]], tuple[str, ...]] | None = None
    takes_label_policy: bool = False
    generated: bool = False

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that can be read."""
        return self.adapter.splits

    @property
    def scored(self) -> str | None:
        """The split that detectors are measured on; None for a set that is for training only."""
        return self.adapter.scored

    @property
    def options(self) -> Mapping[str, Any]:
        """The type of each option, as the adapter's signature has it."""
        parameters = inspect.signature(self.adapter, eval_str=True).parameters
        return {name: one.annotation for name, one in parameters.items() if name not in {"root", "split"}}

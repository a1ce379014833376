"""Where a segmenter comes from: what the engine asks of it, wherever that is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import nn

from ood_eval.networks.segmenter import Segmenter


class Origin(Protocol):
    """A value that other processes can be given, and that loads the same segmenter in each."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What reports call it: as a user named it, without folders that differ from machine to machine."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """A hash of all that decides what the segmenter predicts: weights, code, normalisation, names of classes.

        Raises:
            OodEvalError: it cannot be loaded.
        """

    @abstractmethod
    def load(self) -> Segmenter:
        """The segmenter in evaluation mode.

        Raises:
            OodEvalError: a file is missing, damaged or does not fit, or a stranger's code fails.
        """

    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """The files that it is read from."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user says of a segmenter that was not made here.

    Args:
        weights: state dict to fill the network with.
        partial: takes of it what fits.
        classes: names of the logits; empty, if the user names none.
        count: number of logits, where only that is given.
    """

    weights: Path | None = None
    partial: bool = False
    classes: tuple[str, ...] = ()
    count: int | None = None

    @property
    def logits(self) -> int | None:
        """How many logits the user wants, if he says."""
        return len(self.classes) or self.count


@dataclass(frozen=True, slots=True)
class Opened:
    """A network and what its maker says of it.

    Args:
        network: with its weights.
        class_names: of its logits; empty, if nothing says.
        mean: per RGB channel of images scaled to 0..1; None, if nothing says.
        std: likewise.
        features_layer: that gives penultimate features; None, if nothing says.
        modules: of which the code, with all that it imports, decides what the network does.
        files: that were read.
        remarks: what the user should know.
    """

    network: nn.Module
    class_names: tuple[str, ...] = ()
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    features_layer: str | None = None
    modules: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()


class Opener(Protocol):
    """Builds the network that a user names after `name:`."""

    def __call__(self, rest: str, wanted: Wanted) -> Opened:
        """The network.

        Raises:
            OodEvalError: there is none of this name, or its weights are missing, damaged or do not fit.
        """

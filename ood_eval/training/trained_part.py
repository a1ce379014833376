"""The network that a method trains for itself: what it is, on what it learns, and its file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from torch import nn

from ood_eval.errors import CheckpointError, DetectorError
from ood_eval.networks.marked_file import read_marked, write_marked

if TYPE_CHECKING:
    from ood_eval.training.recipe import Recipe
    from ood_eval.training.task import TrainingTask

TrainsOn = Literal["in_distribution", "with_outliers"]

_FORMAT: Final = "ood_eval trained part 2"
# Had no checksum.
_FIRST_FORMAT: Final = "ood_eval trained part 1"


@dataclass(frozen=True, slots=True)
class TrainedPart:
    """How a method's own network is made and trained; the runner knows no more of it.

    Args:
        name: of its file and of its line in the log.
        network: makes the network of keyword arguments, which its file keeps beside the weights: plain numbers,
            strings, and lists of them.
        arguments: those of a new network; called with `segmenter=` where `uses_segmenter`, else with nothing.
        task: makes the training task, called with the network, `recipe=`, `steps=`, `seed=`, and `segmenter=` where
            `uses_segmenter`; it trains the network in place and leaves the segmenter alone.
        recipe: optimiser, schedule and views.
        trains_on: images without anomalies, or such with outliers among them.
        uses_segmenter: whether its weights depend on the segmenter's.

    Raises:
        DetectorError: `arguments` or `task` does not take what it is called with.
    """

    name: str
    network: Callable[..., nn.Module]
    arguments: Callable[..., Mapping[str, Any]]
    task: Callable[..., TrainingTask]
    recipe: Recipe
    trains_on: TrainsOn = "in_distribution"
    uses_segmenter: bool = False

    def __post_init__(self) -> None:
        given = ("segmenter",) if self.uses_segmenter else ()
        self._require("arguments", self.arguments, 0, given)
        self._require("task", self.task, 1, ("recipe", "steps", "seed", *given))

    def _require(self, name: str, maker: Callable[..., object], values: int, names: tuple[str, ...]) -> None:
        """Refuses a maker that cannot be called with so many values and these names."""
        try:
            signature = inspect.signature(maker)
        except ValueError:  # a built-in type, as dict, that tells nothing of its arguments
            return
        try:
            signature.bind(*(None,) * values, **dict.fromkeys(names))
        except TypeError as error:
            words = ", ".join([*("the network",)[:values], *(f"{one}=" for one in names)]) or "nothing"
            hint = "; set uses_segmenter=True" if not self.uses_segmenter and "'segmenter'" in str(error) else ""
            raise DetectorError(f"{self.name}: {name} is called with {words}: {error}{hint}") from error

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules whose code, with all that they import, decides the weights."""
        return tuple(sorted({maker.__module__ for maker in (self.network, self.arguments, self.task)}))


def save_part(path: Path, part: TrainedPart, arguments: Mapping[str, Any], network: nn.Module) -> None:
    """Writes a trained network whole or not at all.

    Raises:
        ResultError: the folder cannot be written.
    """
    content = {
        "part": part.name,
        "arguments": dict(arguments),
        "weights": {name: value.contiguous() for name, value in network.state_dict().items()},
    }
    write_marked(path, _FORMAT, content)


def load_part(path: Path, part: TrainedPart) -> nn.Module:
    """The network of a file, in evaluation mode; no code in the file is run.

    Raises:
        CheckpointError: the file is missing, damaged, holds another part, or does not fit this version.
    """
    content = read_marked(path, _FORMAT, _FIRST_FORMAT)
    if content.get("part") != part.name or not isinstance(content.get("arguments"), dict):
        raise CheckpointError(f"{path}: holds no {part.name}; delete it and run again")
    try:
        network = part.network(**content["arguments"])
        network.load_state_dict(content["weights"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: does not fit this version ({reason}); delete it and run again") from error
    return network.eval()

"""`ood_eval detectors`: which detectors and steps there are and what they need; and whether one keeps the contract."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ood_eval.detectors import Detector


@dataclass(frozen=True, slots=True)
class Detectors:
    """List the detectors and the steps that may follow them, or check some against the contract.

    Options go in brackets, steps after a plus: energy(temperature=2)+blur(7,1). Your own detector goes as
    package.module:Class, from the working directory too.

    Args:
        check: detectors to run on small networks; the first breach of the contract is named. For a detector of your own
            before it enters a suite.
    """

    check: tuple[str, ...] = ()

    def run(self) -> None:
        """Writes the list, or a line for each detector that was checked."""
        from ood_eval.detectors import DETECTORS, build_detector, check_detector
        from ood_eval.detectors.steps import STEPS

        for name in self.check:
            check_detector(lambda name=name: build_detector(name, {}, DETECTORS), name)  # type: ignore[misc]
            sys.stdout.write(f"{name}: keeps the contract\n")
        if self.check:
            return
        for name, kind in DETECTORS.items():
            sys.stdout.write(f"{name:24} {_summary(kind)}\n{'':24} {_needs(name, kind)}\n")
        sys.stdout.write("\nSteps, after any detector and a plus:\n")
        for step in STEPS.values():
            sys.stdout.write(f"  {_summary(step)}\n")


def _summary(kind: type) -> str:
    """The first line of a plug-in's module."""
    return (sys.modules[kind.__module__].__doc__ or kind.__doc__ or "").strip().partition("\n")[0]


def _needs(name: str, kind: type[Detector]) -> str:
    """What a detector reads, sees and trains, and its options with their defaults."""
    from ood_eval.networks.prediction import READINGS

    told = ["reads " + ", ".join(words for reading, words in READINGS.items() if reading in kind.reads)]
    if kind.fit_split is not None:
        told.append(f"sees the {kind.fit_split} split first")
    if kind.trained_part is not None:
        told.append(f"trains a network of its own ({kind.trained_part.name})")
    given = inspect.signature(kind).parameters.values()
    if options := ",".join(f"{one.name}={one.default}" for one in given if one.default is not one.empty):
        told.append(f"{name}({options})")
    return "; ".join(told)

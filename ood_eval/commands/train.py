"""`ood_eval train`: a segmenter alone."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from ood_eval.options import Training


@dataclass(frozen=True, slots=True)
class Train:
    """Train a segmenter on the training split of a StreetHazards-style set and print its checkpoint's path.

    Example: ood_eval train --data data/mine --out runs/mine --preset small --weights imagenet

    Args:
        data: folder with train/ in StreetHazards layout.
        out: where the checkpoint goes; a broken run continues, a finished one answers at once.
    """

    data: Path
    out: Path
    training: Annotated[Training, tyro.conf.OmitArgPrefixes] = field(default_factory=Training)

    def run(self) -> None:
        """Trains.

        Raises:
            ConfigError: the label policy or a combination of options cannot be used.
            DataError: the set is missing or damaged.
            TrainingError: the loss diverged, or memory ran out.
            ResultError: another run uses the output folder, or it cannot be written.
        """
        from ood_eval.benchmarks.streethazards import StreetHazards
        from ood_eval.datasets import First
        from ood_eval.engine.workplace import exclusive
        from ood_eval.training import train

        options, machine = self.training, self.training.machine()
        alone = exclusive(self.out) if machine.is_global_zero else contextlib.nullcontext()
        with alone:  # a folder that cannot be written is noticed before a set is read
            whole = StreetHazards(self.data, "training", options.policy, official=options.official)
            whole.check()
            split = whole if options.limit_train is None else First(whole, options.limit_train)
            checkpoint = train(options.plan(), split, self.out, machine)
        if machine.is_global_zero:
            sys.stdout.write(f"{checkpoint}\n")

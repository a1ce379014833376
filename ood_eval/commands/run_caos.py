"""`ood_eval run-caos`: the paper's experiment, train to report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from ood_eval.commands.run import Run
from ood_eval.options import Foreign, Scoring, Training


@dataclass(frozen=True, slots=True)
class RunCaos:
    """Train a segmenter on a StreetHazards-style set, run the detectors on its test split, draw the report.

    Example: ood_eval run-caos --data data/mine --out runs/mine --preset small --weights imagenet

    Args:
        data: folder with train/ and test/ in StreetHazards layout.
        out: where checkpoint, rows and report go; what is already there is not done again.
    """

    data: Path
    out: Path
    scoring: Annotated[Scoring, tyro.conf.OmitArgPrefixes] = field(default_factory=Scoring)
    training: Annotated[Training, tyro.conf.OmitArgPrefixes] = field(default_factory=Training)
    foreign: Annotated[Foreign, tyro.conf.OmitArgPrefixes] = field(default_factory=Foreign)

    def run(self) -> None:
        """Trains if needed, scores, reports, and prints the table."""
        Run("caos", self.out, self.data, self.scoring, self.training, self.foreign).run()

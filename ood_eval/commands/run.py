"""`ood_eval run`: a suite, train to report."""

from __future__ import annotations

import dataclasses
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import tyro

from ood_eval.commands.report import Report
from ood_eval.errors import ConfigError, DataError
from ood_eval.files import read_json
from ood_eval.options import Foreign, Scoring, Training

if TYPE_CHECKING:
    from ood_eval.datasets import SegDataset
    from ood_eval.networks import Origin
    from ood_eval.training import Machine

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """Run a suite: train a segmenter or take one, score every benchmark that is found, draw the report.

    Example: ood_eval run road_anomaly --checkpoint segmenter.pt --protocols dataset smiyc --out runs/real

    Args:
        suite: a YAML file; the name of one that comes with the package: caos, streethazards-mini, real; or the name of
            one benchmark, as road_anomaly or road_anomaly=FOLDER.
        out: where checkpoints, rows and report go; what is already there is not done again.
        data: folder of the suite's training set, which may hold a scored split too; of a benchmark that is named
            instead of a suite, its own folder. Other sets are looked for where `ood_eval data where` says; those not
            found are skipped.
    """

    suite: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SUITE")]
    out: Path
    data: Path | None = None
    scoring: Annotated[Scoring, tyro.conf.OmitArgPrefixes] = field(default_factory=Scoring)
    training: Annotated[Training, tyro.conf.OmitArgPrefixes] = field(default_factory=Training)
    foreign: Annotated[Foreign, tyro.conf.OmitArgPrefixes] = field(default_factory=Foreign)

    def run(self) -> None:
        """Trains a segmenter per seed if no checkpoint is given, scores, writes the report, prints the table.

        A run that is finished, with nothing changed that it read or wrote, prints its table at once.

        Raises:
            ConfigError: the suite, a detector or a combination of options cannot be used.
            CheckpointError: the given checkpoint or weights are missing, damaged or do not fit.
            DataError: there is nothing to train on or to score, or a set is damaged.
            TrainingError: training diverged or cannot start.
            ResultError: the output folder cannot be written.
        """
        from ood_eval.engine.finished import Finished, Watched

        finished = Finished(self.out, json.loads(json.dumps(dataclasses.asdict(self), default=str)))
        if finished.still():
            _print_tables(self.out)
            return
        machine = self._run()
        if machine.is_global_zero:
            from ood_eval.engine.suite import suite_file

            Report((self.out,)).run()
            told = {name: tuple(value) for name, value in read_json(self.out / "watched.json").items()}
            suite = () if suite_file(self.suite) is None else (self.suite,)
            finished.note(Watched(**told | {"files": (*told["files"], *suite)}))

    def _run(self) -> Machine:
        """Trains and scores what is not done; returns what training ran on."""
        from ood_eval.engine.campaign import Campaign
        from ood_eval.engine.fitness import read_class_map
        from ood_eval.engine.suite import load_suite
        from ood_eval.networks import CheckpointFile
        from ood_eval.training import train

        suite = load_suite(self.suite)
        if self.data is not None and self.suite == suite.benchmarks[0].name:
            suite = suite.with_benchmarks([f"{self.suite}={self.data}"])
        suite = self.scoring.selected(suite)
        named, seeds = self.scoring.checkpoint, self.scoring.seeds
        if named is not None and seeds:
            raise ConfigError(f"--seeds trains segmenters and {named} is trained already; give only one of them")
        given = self.foreign.origin(named, self.training)
        if given is not None and seeds:
            raise ConfigError(f"--seeds trains segmenters and {given.name} is trained already; give only one of them")
        machine = self.training.machine()
        if given is not None:
            machine = machine.alone  # nothing is trained that could be shared

        def segmenter(seed: int | None, split: SegDataset | None) -> Origin:
            if given is not None:
                return given
            if split is None:
                where = f"{suite.training.name} to train on"
                hint = "its folder by --data, or a segmenter by --checkpoint or --segmenter"
                raise DataError(f"suite {suite.name}: no {where}; give {hint}")
            return CheckpointFile(train(self.training.plan(seed), split, self.out, machine))

        Campaign(
            suite,
            self.data,
            segmenter,
            seeds=(None,) if given is not None else seeds or (self.training.seed,),
            policy=self.training.policy,
            official=self.training.official,
            limit_train=self.training.limit_train,
            limit_test=self.scoring.limit_test,
            devices=self.scoring.device,
            machine=machine,
            insist=bool(self.scoring.detectors),
            class_map=None if self.foreign.class_map is None else read_class_map(self.foreign.class_map),
        ).run(self.out)
        return machine


def _print_tables(out: Path) -> None:
    """Prints the tables of a run whose report is there already."""
    from ood_eval.report.result import read_results
    from ood_eval.report.terminal import print_table

    for result in read_results(out):
        print_table(result)
    report = out / "report"
    _LOG.info("already done; report: %s and %s", report / "report.md", report / "index.html")

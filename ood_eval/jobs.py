"""What the commands do: options to splits, plan, evaluation and report."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ood_eval.data import First, LabelPolicy, SegDataset, StreetHazards
from ood_eval.data.streethazards import Split
from ood_eval.networks import PyramidConfig
from ood_eval.report import print_table, read_results, write_report
from ood_eval.training import PRESETS, Machine, TrainingPlan, train

if TYPE_CHECKING:
    from ood_eval.cli import Training

_LOG: Final = logging.getLogger(__name__)
# The preset's network: the paper's, and the one that two cores train in minutes.
_NETWORKS: Final = {
    "paper": PyramidConfig(kind="pspnet", encoder="resnet101"),
    "small": PyramidConfig(kind="pspnet_short", encoder="efficientnet_lite0"),
}


def train_segmenter(options: Training, data: Path, out: Path) -> Path:
    """Trains on the training split and returns the checkpoint."""
    return train(plan_of(options), _split(data, "training", options, options.limit_train), out, machine_of(options))


def report(runs: Sequence[Path], to: Path | None) -> None:
    """Writes the report of finished runs and prints their tables."""
    results = [result for run in runs for result in read_results(run)]
    written = write_report(results, to if to is not None else runs[0] / "report")
    for result in results:
        print_table(result)
    _LOG.info("report: %s and %s", written, written.with_name("index.html"))


def plan_of(options: Training) -> TrainingPlan:
    """The preset, changed by what the options give."""
    recipe, network = PRESETS[options.preset], _NETWORKS[options.preset]
    recipe = dataclasses.replace(
        recipe,
        epochs=recipe.epochs if options.epochs is None else options.epochs,
        batch_size=recipe.batch_size if options.batch_size is None else options.batch_size,
        learning_rate=recipe.learning_rate if options.learning_rate is None else options.learning_rate,
    )
    network = dataclasses.replace(
        network,
        kind=options.segmenter or network.kind,
        encoder=options.encoder or network.encoder,
        channels=recipe.channels,
        auxiliary=recipe.auxiliary_weight > 0,
    )
    return TrainingPlan(recipe, network, options.weights, options.policy, options.seed)


def _split(data: Path, split: Split, options: Training, limit: int | None) -> SegDataset:
    whole = StreetHazards(data, split, LabelPolicy(options.policy), official=options.official)
    whole.check()
    return whole if limit is None else First(whole, limit)


def machine_of(options: Training) -> Machine:
    """What the options say that training runs on."""
    return Machine(options.accelerator, options.devices, options.nodes, options.workers)

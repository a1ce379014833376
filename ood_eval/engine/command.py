"""What `ood_eval run` and `run-caos` do: options to a campaign, its report, its table."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ood_eval.data import SegDataset
from ood_eval.engine.campaign import Campaign
from ood_eval.engine.suite import load_suite
from ood_eval.errors import CheckpointError, ConfigError, DataError
from ood_eval.jobs import machine_of, plan_of, report
from ood_eval.training import train

if TYPE_CHECKING:
    from ood_eval.cli import Scoring, Training

_LOG = logging.getLogger(__name__)


def run_suite(name: str, data: Path | None, out: Path, scoring: Scoring, options: Training) -> None:
    """Trains a segmenter per seed if no checkpoint is given, scores, writes the report, prints the table.

    Raises:
        OodEvalError: any of its kinds.
    """
    suite = load_suite(name)
    if scoring.detectors:
        suite = suite.with_detectors(scoring.detectors)
    given, seeds = scoring.checkpoint, scoring.seeds
    if given is not None and seeds:
        raise ConfigError("--seeds trains segmenters and --checkpoint gives one; give only one of them")
    if given is not None and not given.is_file():
        raise CheckpointError(f"{given}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`")
    machine = machine_of(options)
    if given is not None:
        machine = machine.alone  # nothing is trained that could be shared

    def segmenter(seed: int | None, split: SegDataset | None) -> Path:
        if given is not None:
            return given
        if split is None:
            where = f"{suite.training.name} to train on"
            raise DataError(f"suite {suite.name}: no {where}; give its folder by --data, or a trained --checkpoint")
        plan = plan_of(dataclasses.replace(options, seed=options.seed if seed is None else seed))
        return train(plan, split, out, machine)

    campaign = Campaign(
        suite,
        data,
        segmenter,
        seeds=(None,) if given is not None else seeds or (options.seed,),
        policy=options.policy,
        official=options.official,
        limit_train=options.limit_train,
        limit_test=scoring.limit_test,
        devices=scoring.device,
        machine=machine,
    )
    campaign.run(out)
    if machine.is_global_zero:
        report((out,), None)

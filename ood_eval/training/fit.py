"""Training a segmenter: resumable, keyed by everything that decides the weights."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ood_eval.code import code_of
from ood_eval.datasets.fingerprint import dataset_hash, file_hash
from ood_eval.datasets.sample import SegDataset
from ood_eval.files import content_key, write_json
from ood_eval.networks.build import build_segmenter
from ood_eval.networks.checkpoint import save_segmenter
from ood_eval.networks.config import SegmenterConfig
from ood_eval.training.loop import Machine, forget, run_loop
from ood_eval.training.recipe import Recipe
from ood_eval.training.task import SegmentationTask

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """All that decides the weights, besides the images themselves.

    Args:
        recipe: optimiser, schedule and views.
        network: shape of the segmenter.
        weights: of the encoder: none, imagenet, or a file.
        policy: name of the label policy.
        seed: of weights, order, views and dropout.
    """

    recipe: Recipe
    network: SegmenterConfig
    weights: str = "none"
    policy: str = "keep_all"
    seed: int = 0


def train(plan: TrainingPlan, split: SegDataset, out: Path, machine: Machine | None = None) -> Path:
    """Trains a segmenter and returns its checkpoint; a finished run answers at once, a broken one continues.

    Where `Machine.is_global_zero` is False the checkpoint may not be there yet: the leading process writes it.

    Files go to `out/training/<key>`, the key being a hash of plan, data and the code that trains, so runs never mix.

    Raises:
        TrainingError: the loss diverged, or the split is too small.
        ConfigError: the encoder is unknown, or the batch cannot be shared out evenly.
        CheckpointError: the encoder's weights are missing or do not fit.
        DataError: a sample is damaged, has no class labels, or images differ in size and the recipe has no crop.
        ResultError: the folder cannot be written.
    """
    machine = machine or Machine()
    facts = dataclasses.asdict(plan) | {"data": dataset_hash(split), "classes": list(split.class_names)}
    facts |= {"weights": _weights_identity(plan.weights), "code": code_of(__name__)}
    folder = out / "training" / content_key(facts)
    done = folder / "segmenter.pt"
    if done.is_file():
        _LOG.info("training: already done, %s", done)
        return done
    segmenter = build_segmenter(plan.network, split.class_names, plan.weights, plan.seed)
    height, width = split[0].image.shape[:2]
    segmenter.trained_px = (width, height)
    if machine.is_global_zero:
        write_json(folder / "plan.json", facts)
    task = SegmentationTask(segmenter, plan.recipe, plan.recipe.steps(len(split)), plan.seed)
    run_loop(task, split, folder, machine, "training")
    if machine.is_global_zero:
        save_segmenter(done, segmenter, plan.network)
        forget(folder)
    return done


def _weights_identity(weights: str) -> str:
    path = Path(weights)
    return weights if weights in {"none", "imagenet"} or not path.is_file() else file_hash(path)

"""Training, once and cached, of the networks that some detectors need beside the segmenter."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from ood_eval.datasets.fingerprint import dataset_hash, file_hash
from ood_eval.datasets.sample import SegDataset
from ood_eval.errors import DetectorError
from ood_eval.files import content_key, write_json
from ood_eval.networks.autoencoder import Autoencoder
from ood_eval.networks.checkpoint import load_segmenter
from ood_eval.networks.confidence_branch import ConfidenceBranch
from ood_eval.networks.dropout import dropout_layers
from ood_eval.networks.extras import ExtraName, Extras, load_autoencoder, load_confidence_branch, save_extra
from ood_eval.networks.segmenter import Segmenter
from ood_eval.training.branch import BranchTask
from ood_eval.training.loop import Machine, forget, run_loop
from ood_eval.training.recipe import AUTOENCODER, BRANCH, Recipe
from ood_eval.training.reconstruction import ReconstructionTask

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExtrasPlan:
    """How the extra networks are trained.

    Args:
        branch: recipe of the confidence branch.
        autoencoder: recipe of the autoencoder.
        seed: of weights, order, views and hints.
    """

    branch: Recipe = BRANCH
    autoencoder: Recipe = AUTOENCODER
    seed: int = 0


def extras_identity(
    needed: Collection[ExtraName], checkpoint: Path, split: SegDataset, plan: ExtrasPlan
) -> dict[str, str]:
    """The key of everything that decides each trained network of `needed`, by name; trains nothing.

    Raises:
        DataError: a file cannot be read.
    """
    trained = [name for name in sorted(needed) if name != "dropout"]
    if not trained:
        return {}
    data = dataset_hash(split)
    keys: dict[str, str] = {}
    for name in trained:
        recipe = plan.branch if name == "confidence_branch" else plan.autoencoder
        facts: dict[str, object] = {
            "extra": name,
            "recipe": dataclasses.asdict(recipe),
            "seed": plan.seed,
            "data": data,
        }
        if name == "confidence_branch":
            facts |= {"segmenter": file_hash(checkpoint), "classes": list(split.class_names)}
        keys[name] = content_key(facts)
    return keys


def train_extras(
    needed: Collection[ExtraName],
    checkpoint: Path,
    split: SegDataset,
    out: Path,
    plan: ExtrasPlan,
    machine: Machine,
    keys: Mapping[str, str] | None = None,
) -> Extras:
    """Trains what is needed and not there yet; finished networks are loaded, broken runs continue.

    Files go to `out/extras/<key>`. The segmenter's checkpoint is read only.

    Args:
        needed: as `required_extras` gives.
        checkpoint: of the segmenter.
        split: the training split.
        out: folder of the run.
        plan: recipes and seed.
        machine: what training runs on; one device of it is used.
        keys: what `extras_identity` gave for the same arguments, to hash the data only once.

    Raises:
        DetectorError: dropout is needed and the segmenter has none.
        TrainingError, CheckpointError, DataError, ResultError: as their makers say.
    """
    keys = extras_identity(needed, checkpoint, split, plan) if keys is None else keys
    machine = machine.alone
    if "dropout" in needed and not dropout_layers(load_segmenter(checkpoint).network):
        raise DetectorError(f"{checkpoint}: the network has no dropout layer, which the detector `dropout` repeats")
    branch, autoencoder = None, None
    if "confidence_branch" in needed:
        path = out / "extras" / keys["confidence_branch"] / "confidence_branch.pt"
        if not path.is_file():
            _train_branch(path, checkpoint, split, plan, machine)
        branch = load_confidence_branch(path)
    if "autoencoder" in needed:
        path = out / "extras" / keys["autoencoder"] / "autoencoder.pt"
        if not path.is_file():
            _train_autoencoder(path, split, plan, machine)
        autoencoder = load_autoencoder(path)
    return Extras(branch, autoencoder)


def _train_branch(path: Path, checkpoint: Path, split: SegDataset, plan: ExtrasPlan, machine: Machine) -> None:
    segmenter = load_segmenter(checkpoint)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        branch = ConfidenceBranch(_feature_width(segmenter))
    recipe = plan.branch
    _write_plan(path, recipe, plan.seed)
    run_loop(
        BranchTask(branch, segmenter, recipe, recipe.steps(len(split)), plan.seed),
        split,
        path.parent,
        machine,
        "branch",
    )
    save_extra(path, branch)
    forget(path.parent)


def _train_autoencoder(path: Path, split: SegDataset, plan: ExtrasPlan, machine: Machine) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        autoencoder = Autoencoder().to(memory_format=torch.channels_last)
    recipe = plan.autoencoder
    _write_plan(path, recipe, plan.seed)
    run_loop(
        ReconstructionTask(autoencoder, recipe, recipe.steps(len(split)), plan.seed),
        split,
        path.parent,
        machine,
        "autoencoder",
    )
    save_extra(path, autoencoder)
    forget(path.parent)


def _write_plan(path: Path, recipe: Recipe, seed: int) -> None:
    write_json(path.with_name("plan.json"), {"extra": path.stem, "recipe": dataclasses.asdict(recipe), "seed": seed})


def _feature_width(segmenter: Segmenter) -> int:
    """Channels of the penultimate features, found by running the segmenter on a small image."""
    with torch.inference_mode():
        _, features, _ = segmenter(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
    return int(features.shape[1])

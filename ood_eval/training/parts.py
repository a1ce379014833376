"""Training, once and cached, of the networks that methods train for themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ood_eval.code import code_of
from ood_eval.datasets.fingerprint import dataset_hash
from ood_eval.datasets.sample import SegDataset, policy_of
from ood_eval.errors import ConfigError, DetectorError, OodEvalError, TrainingError, in_one_line
from ood_eval.files import content_key, write_json
from ood_eval.networks.origin import Origin
from ood_eval.training.loop import Machine, forget, run_loop
from ood_eval.training.task import TrainingTask
from ood_eval.training.trained_part import TrainedPart, TrainsOn, load_part, save_part

Splits = Mapping[TrainsOn, SegDataset]


def part_keys(parts: Collection[TrainedPart], segmenter: Origin, splits: Splits, seed: int) -> dict[str, str]:
    """The key of everything that decides the weights of each part, by the part's name; trains nothing.

    Args:
        parts: of the methods at hand.
        segmenter: where it comes from; only parts that use it depend on it.
        splits: to train on.
        seed: of weights, order, views and the tasks' own draws.

    Raises:
        ConfigError: a part must be trained on what is not at hand, or its code is in no file.
        DetectorError: two different parts have one name.
        DataError: a file cannot be read.
    """
    keys: dict[str, str] = {}
    for part in sorted(parts, key=lambda part: part.name):
        if part.name in keys:
            raise DetectorError(f"two methods train different parts of the name {part.name!r}; rename one of them")
        split = _split(part, splits)
        facts: dict[str, object] = {
            "part": part.name,
            "recipe": dataclasses.asdict(part.recipe),
            "seed": seed,
            "data": dataset_hash(split),
            "policy": policy_of(split),
            "classes": list(split.class_names),
            "code": code_of(*part.modules, __name__),
        }
        if part.uses_segmenter:
            facts["segmenter"] = segmenter.identity
        keys[part.name] = content_key(facts)
    return keys


def train_parts(
    parts: Collection[TrainedPart],
    segmenter: Origin,
    splits: Splits,
    out: Path,
    seed: int,
    machine: Machine,
    keys: Mapping[str, str],
) -> dict[TrainedPart, nn.Module]:
    """Trains what is not there yet and loads the rest; a broken training continues.

    Files go to `out/parts/<key>`. The segmenter is only read.

    Args:
        parts: of the methods at hand.
        segmenter: where it comes from.
        splits: to train on.
        out: folder of the run.
        seed: as in the keys.
        machine: what training runs on; one device of it is used.
        keys: what `part_keys` gave for the same.

    Returns:
        The networks, in evaluation mode on the CPU.

    Raises:
        ConfigError: a part must be trained on what is not at hand.
        TrainingError: a loss diverged, memory ran out, or a method's own code raised.
        CheckpointError: the segmenter's or a part's file is damaged.
        DataError: a sample is damaged or has no class labels.
        ResultError: the folder cannot be written.
    """
    found: dict[TrainedPart, nn.Module] = {}
    for part in parts:
        path = out / "parts" / keys[part.name] / f"{part.name}.pt"
        if not path.is_file():
            _train(part, path, segmenter, _split(part, splits), seed, machine.alone)
        found[part] = load_part(path, part)
    return found


def _train(part: TrainedPart, path: Path, segmenter: Origin, split: SegDataset, seed: int, machine: Machine) -> None:
    given: dict[str, Any] = {"segmenter": segmenter.load()} if part.uses_segmenter else {}
    recipe = part.recipe
    task: TrainingTask | None = None
    try:
        arguments = part.arguments(**given)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = part.network(**arguments)
        write_json(path.with_name("plan.json"), {"part": part.name, "recipe": dataclasses.asdict(recipe), "seed": seed})
        task = part.task(network, recipe=recipe, steps=recipe.steps(len(split)), seed=seed, **given)
        run_loop(task, split, path.parent, machine, part.name)
    except OodEvalError:
        raise
    except Exception as error:  # whatever a stranger's method may raise
        when = f"at step {task.global_step + 1}" if isinstance(task, TrainingTask) else "before the first step"
        raise TrainingError(f"{part.name}: its training breaks {when} with {in_one_line(error)}") from error
    save_part(path, part, arguments, network)
    forget(path.parent)


def _split(part: TrainedPart, splits: Splits) -> SegDataset:
    if part.trains_on not in splits:
        words = {"in_distribution": "a training split", "with_outliers": "a training split with outliers among it"}
        raise ConfigError(f"{part.name} must be trained on {words[part.trains_on]}, and this run has none")
    return splits[part.trains_on]

"""The contract of a method's own network: it takes one step of training, and comes back whole from its file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import torch

from ood_eval.benchmarks.formats.labels import CLASS_NAMES
from ood_eval.detectors.small_networks import small_segmenter
from ood_eval.errors import DetectorError
from ood_eval.training.task import TrainingTask
from ood_eval.training.trained_part import TrainedPart, load_part, save_part

_BATCH, _SIDE = 2, 64
_SEED: Final = 3


def check_training(part: TrainedPart, name: str) -> None:
    """Trains a new network of a part for one step, on a seeded batch beside a small segmenter, and writes and reads it.

    Raises:
        DetectorError: the arguments are not plain values, a step of training cannot be made, changes nothing of the
            network or something of the segmenter, or the network that is read from the file is another.
    """
    segmenter = small_segmenter()
    given: dict[str, Any] = {"segmenter": segmenter} if part.uses_segmenter else {}
    before = {key: value.clone() for key, value in segmenter.state_dict().items()}
    arguments = dict(part.arguments(**given))
    try:
        json.dumps(arguments)
    except (TypeError, ValueError) as error:
        raise DetectorError(
            f"{name}: {part.name}: arguments must be plain numbers, texts and lists of them ({error})"
        ) from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        network = part.network(**arguments)
        first = {key: value.clone() for key, value in network.state_dict().items()}
        task = part.task(network, recipe=part.recipe, steps=2, seed=_SEED, **given)
        if not isinstance(task, TrainingTask):
            raise DetectorError(f"{name}: {part.name}: task makes a {type(task).__name__}, not a TrainingTask")
        _step(task, f"{name}: {part.name}")
    if all(torch.equal(value, first[key]) for key, value in network.state_dict().items()):
        raise DetectorError(f"{name}: {part.name}: a step of training changes nothing of the network")
    if any(not torch.equal(value, before[key]) for key, value in segmenter.state_dict().items()):
        raise DetectorError(f"{name}: {part.name}: a step of training changes the segmenter")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.pt"
        save_part(path, part, arguments, network)
        loaded = load_part(path, part).state_dict()
    if any(not torch.equal(value, loaded[key]) for key, value in network.state_dict().items()):
        raise DetectorError(f"{name}: {part.name}: the network that is read from its file is another")


def _step(task: TrainingTask, name: str) -> None:
    """One step of the recipe's optimiser."""
    images = torch.randint(0, 256, (_BATCH, 3, _SIDE, _SIDE), dtype=torch.uint8)
    classes = torch.randint(0, len(CLASS_NAMES), (_BATCH, _SIDE, _SIDE), dtype=torch.uint8)
    task.train()
    task.on_fit_start()
    optimizer = task.configure_optimizers()["optimizer"]
    loss = task.training_step((images, classes), 0)
    if not (isinstance(loss, torch.Tensor) and loss.ndim == 0 and loss.requires_grad):
        raise DetectorError(f"{name}: training_step must return one number with a gradient, not {loss!r}")
    if not bool(torch.isfinite(loss)):
        raise DetectorError(f"{name}: the loss of the first step is {float(loss.detach())}")
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()

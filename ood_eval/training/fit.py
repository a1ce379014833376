"""Training with Lightning: resumable, keyed by everything that decides the weights."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch.utils.data import DataLoader
from tqdm import tqdm

from ood_eval.data.fingerprint import dataset_hash, file_hash
from ood_eval.data.sample import SegDataset
from ood_eval.errors import TrainingError
from ood_eval.files import content_key, write_json
from ood_eval.models.build import build_segmenter
from ood_eval.models.checkpoint import save_segmenter
from ood_eval.models.pspnet import PyramidConfig
from ood_eval.models.segmenter import Segmenter
from ood_eval.training.recipe import Recipe
from ood_eval.training.task import SegmentationTask
from ood_eval.training.views import EpochOrder, Views

_LOG: Final = logging.getLogger(__name__)
_RESUME: Final = "resume"


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
    network: PyramidConfig
    weights: str = "none"
    policy: str = "keep_all"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """What training runs on; it changes rounding, but not what is computed.

    Args:
        accelerator: as Lightning names it: cpu, gpu, auto.
        devices: how many.
        nodes: how many machines.
        workers: processes that read images; 0 reads in the training process.
        half: bf16 autocast; None uses it where the processor has it.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 0
    half: bool | None = None

    @property
    def precision(self) -> Any:  # noqa: ANN401
        """Lightning's word for the arithmetic."""
        half = self.half if self.half is not None else bf16_is_fast()
        return "bf16-mixed" if half else "32-true"


def bf16_is_fast() -> bool:
    """Whether this machine multiplies bf16 in hardware (CUDA of compute capability 8, AVX512-BF16, AMX)."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def train(plan: TrainingPlan, split: SegDataset, out: Path, machine: Machine | None = None) -> Path:
    """Trains a segmenter and returns its checkpoint; a finished run answers at once, a broken one continues.

    Files go to `out/training/<key>`, the key being a hash of plan and data, so runs never mix.

    Raises:
        TrainingError: the loss diverged, or the split is too small.
        ConfigError, CheckpointError, DataError, ResultError: as their makers say.
    """
    machine = machine or Machine()
    facts = dataclasses.asdict(plan) | {"data": dataset_hash(split), "classes": list(split.class_names)}
    facts["weights"] = _weights_identity(plan.weights)
    folder = out / "training" / content_key(facts)
    done = folder / "segmenter.pt"
    if done.is_file():
        _LOG.info("training: already done, %s", done)
        return done
    segmenter = build_segmenter(plan.network, split.class_names, plan.weights, plan.seed)
    write_json(folder / "plan.json", facts)
    _fit(plan, split, folder, machine, segmenter)
    save_segmenter(done, segmenter, plan.network)
    (folder / f"{_RESUME}.ckpt").unlink(missing_ok=True)
    return done


def _fit(plan: TrainingPlan, split: SegDataset, folder: Path, machine: Machine, segmenter: Segmenter) -> None:
    recipe = plan.recipe
    order = EpochOrder(len(split), recipe.batch_size, plan.seed)
    loader = DataLoader(
        Views(split, recipe, plan.seed), batch_size=recipe.batch_size, sampler=order, num_workers=machine.workers
    )
    steps = recipe.epochs * len(loader)
    task = SegmentationTask(segmenter, recipe, steps, plan.seed)
    started = folder / f"{_RESUME}.ckpt"
    with _quiet():
        trainer = lightning.Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.nodes,
            precision=machine.precision,
            max_epochs=recipe.epochs,
            gradient_clip_val=recipe.gradient_clip,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            callbacks=[
                _Progress(steps),
                ModelCheckpoint(folder, _RESUME, save_on_train_epoch_end=True, enable_version_counter=False),
            ],
        )
        _LOG.info(
            "training: %d images, %d epochs of %d steps, %s", len(split), recipe.epochs, len(loader), trainer.precision
        )
        try:
            trainer.fit(task, loader, ckpt_path=started if started.is_file() else None, weights_only=True)
        except torch.OutOfMemoryError as error:
            raise TrainingError(f"out of memory with batch size {recipe.batch_size}; lower --batch-size") from error
    segmenter.eval()


class _Progress(Callback):
    """One bar over all steps on stderr, with rate, time left and loss."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._bar: tqdm[Any] | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        pause = 0.5 if sys.stderr.isatty() else 15.0
        done = trainer.global_step
        self._bar = tqdm(total=self._steps, initial=done, desc="training", unit="step", mininterval=pause)

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *_: Any) -> None:  # noqa: ANN401
        if self._bar is not None:
            self._bar.set_postfix(epoch=trainer.current_epoch + 1, loss=f"{pl_module.last_loss:.3f}", refresh=False)
            self._bar.update()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:  # noqa: ARG002
        if self._bar is not None:
            self._bar.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Lightning's own announcements and advice away from a user's terminal."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(lightning|torch)(\..*)?")
            warnings.filterwarnings("ignore", message=".*(num_workers|treespec|LeafSpec|ckpt).*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _weights_identity(weights: str) -> str:
    path = Path(weights)
    return weights if weights in {"none", "imagenet"} or not path.is_file() else file_hash(path)

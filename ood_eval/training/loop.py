"""The training loop with Lightning: seeded views, one bar, a checkpoint per epoch, bf16 where it is fast."""

from __future__ import annotations

import contextlib
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

from ood_eval.data.sample import SegDataset
from ood_eval.errors import TrainingError
from ood_eval.training.task import TrainingTask
from ood_eval.training.views import EpochOrder, Views, stacked

_LOG: Final = logging.getLogger(__name__)
_RESUME: Final = "resume"


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


def run_loop(task: TrainingTask, split: SegDataset, folder: Path, machine: Machine, name: str) -> None:
    """Runs all epochs of a task's recipe on a split, from the last finished epoch in `folder` if there is one.

    Args:
        task: what is trained, in place.
        split: with class labels.
        folder: where the checkpoint of each epoch goes; `forget` removes it.
        machine: what it runs on.
        name: what the bar and the log call it.

    Raises:
        TrainingError: the loss diverged, or memory ran out.
        DataError: a sample has no class labels, or images differ in size and the recipe has no crop.
    """
    recipe = task.recipe
    order = EpochOrder(len(split), recipe.batch_size, task.seed)
    loader = DataLoader(
        Views(split, recipe, task.seed),
        batch_size=recipe.batch_size,
        sampler=order,
        num_workers=machine.workers,
        collate_fn=stacked,
    )
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
                _Progress(task.steps, name),
                ModelCheckpoint(folder, _RESUME, save_on_train_epoch_end=True, enable_version_counter=False),
            ],
        )
        _LOG.info(
            "%s: %d images, %d epochs of %d steps, %s", name, len(split), recipe.epochs, len(loader), trainer.precision
        )
        try:
            trainer.fit(task, loader, ckpt_path=started if started.is_file() else None, weights_only=True)
        except torch.OutOfMemoryError as error:
            raise TrainingError(f"out of memory with batch size {recipe.batch_size}; lower --batch-size") from error
    task.eval()


def forget(folder: Path) -> None:
    """Removes the checkpoint that a finished run no longer needs."""
    (folder / f"{_RESUME}.ckpt").unlink(missing_ok=True)


class _Progress(Callback):
    """One bar over all steps on stderr, with rate, time left and loss."""

    def __init__(self, steps: int, name: str) -> None:
        self._steps, self._name = steps, name
        self._bar: tqdm[Any] | None = None

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        pause = 0.5 if sys.stderr.isatty() else 15.0
        done = trainer.global_step
        self._bar = tqdm(total=self._steps, initial=done, desc=self._name, unit="step", mininterval=pause)

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

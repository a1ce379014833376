"""The training loop with Lightning: seeded views, one bar, a checkpoint per epoch, bf16 where it is fast."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import DataLoader
from tqdm import tqdm

from ood_eval.datasets.sample import SegDataset
from ood_eval.errors import ConfigError, TrainingError
from ood_eval.training.dilated import in_single, told, wrong_in_bf16
from ood_eval.training.task import TrainingTask
from ood_eval.training.views import EpochOrder, Views, stacked

_LOG: Final = logging.getLogger(__name__)
_RESUME: Final = "resume"


@dataclass(frozen=True, slots=True)
class Machine:
    """What training runs on; it changes rounding, but not what is computed, except batch statistics on several CPUs.

    Several devices or nodes train by DistributedDataParallel: a process each, started by Lightning (or by torchrun or
    SLURM, which it recognises), that share out every batch.

    Args:
        accelerator: as Lightning names it: cpu, gpu, auto.
        devices: how many on each machine.
        nodes: how many machines.
        workers: processes that read images; 0 reads in the training process.
        half: bf16 autocast; None uses it where the processor has it.

    Raises:
        ConfigError: fewer than one device or node.
    """

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = 0
    half: bool | None = None

    def __post_init__(self) -> None:
        if self.devices < 1 or self.nodes < 1:
            raise ConfigError(f"devices and nodes must be at least 1, not {self.devices} and {self.nodes}")

    @property
    def is_global_zero(self) -> bool:
        """Whether this process leads, by Lightning's count; one that only helps it to train must write nothing."""
        node = os.environ.get("NODE_RANK", "")
        return self.processes == 1 or (getattr(rank_zero_only, "rank", 0) == 0 and node in {"", "0"})

    @property
    def processes(self) -> int:
        """How many processes share a batch."""
        return self.devices * self.nodes

    @property
    def alone(self) -> Machine:
        """One device of it, for what is too small to share."""
        return dataclasses.replace(self, devices=1, nodes=1)

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
        ConfigError: the batch cannot be shared out evenly.
        TrainingError: the loss diverged (the message says at which step), or memory ran out.
        DataError: a sample has no class labels, or images differ in size and the recipe has no crop.
    """
    recipe, processes = task.recipe, machine.processes
    if recipe.batch_size % processes:
        raise ConfigError(
            f"batch size {recipe.batch_size} cannot be shared by {processes} processes; "
            f"give a --batch-size that is a multiple of {processes}"
        )
    order = EpochOrder(len(split), recipe.batch_size, task.seed, processes)
    loader = DataLoader(
        Views(split, recipe, task.seed),
        batch_size=recipe.batch_size // processes,
        sampler=order,
        num_workers=machine.workers,
        collate_fn=stacked,
    )
    started = folder / f"{_RESUME}.ckpt"
    with _quiet():
        trainer = _trainer(task, folder, machine, name)
        if machine.is_global_zero:
            size = f"{len(split)} images, {recipe.epochs} epochs of {len(loader)} steps"
            _LOG.info("%s: %s, %s%s", name, size, trainer.precision, f", {processes} processes" * (processes > 1))
        half_on_cpu = trainer.precision == "bf16-mixed" and trainer.strategy.root_device.type == "cpu"
        wrong = wrong_in_bf16(task) if half_on_cpu else {}
        if wrong and machine.is_global_zero:
            _LOG.warning("%s: %s", name, told(wrong))
        try:
            with in_single(wrong):
                trainer.fit(task, loader, ckpt_path=started if started.is_file() else None, weights_only=True)
        except torch.OutOfMemoryError as error:
            raise TrainingError(f"out of memory with batch size {recipe.batch_size}; lower --batch-size") from error
    task.eval()


def _trainer(task: TrainingTask, folder: Path, machine: Machine, name: str) -> lightning.Trainer:
    recipe, processes = task.recipe, machine.processes
    return lightning.Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        # pspnet_short leaves the last stages of some encoders idle
        strategy="ddp_find_unused_parameters_true" if processes > 1 else "auto",
        use_distributed_sampler=False,  # the order shares out each batch itself
        sync_batchnorm=processes > 1 and _on_gpu(machine),
        precision=machine.precision,
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.gradient_clip,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=[
            _Progress(task.steps, name),
            _FiniteLoss(name),
            ModelCheckpoint(folder, _RESUME, save_on_train_epoch_end=True, enable_version_counter=False),
        ],
    )


def _on_gpu(machine: Machine) -> bool:
    return machine.accelerator in {"gpu", "cuda"} or (machine.accelerator == "auto" and torch.cuda.is_available())


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
        if trainer.is_global_zero:
            self._bar = tqdm(total=self._steps, initial=done, desc=self._name, unit="step", mininterval=pause)

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *_: Any) -> None:  # noqa: ANN401
        if self._bar is not None:
            self._bar.set_postfix(epoch=trainer.current_epoch + 1, loss=f"{pl_module.last_loss:.3f}", refresh=False)
            self._bar.update()

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:  # noqa: ARG002
        if self._bar is not None:
            self._bar.close()


class _FiniteLoss(Callback):
    """Ends a training whose loss is no number, before it spoils the weights."""

    def __init__(self, name: str) -> None:
        self._name = name

    def on_before_backward(self, trainer: lightning.Trainer, pl_module: Any, loss: torch.Tensor) -> None:  # noqa: ANN401, ARG002
        pl_module.refuse_infinite(loss, self._name)


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

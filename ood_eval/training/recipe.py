"""Training recipes: the paper's, and one for a few minutes on a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from ood_eval.errors import ConfigError

PresetName = Literal["paper", "small"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights besides the data and the network's shape.

    Args:
        optimizer: sgd, or adamw.
        learning_rate: at the peak.
        momentum: of sgd; adamw has its own defaults.
        weight_decay: on every weight with more than one dimension.
        encoder_rate: factor on the learning rate of the encoder.
        power: of the polynomial decay of the learning rate to zero.
        warmup: share of all steps in which the learning rate rises linearly.
        epochs: passes over the training split.
        batch_size: images per step.
        crop_px: height and width of the training crops; None trains on whole images, one zoom per batch.
        scale: range of the random zoom before the crop, 1.0 = as stored.
        colour: largest relative change of brightness, contrast and saturation.
        flip: whether images are mirrored at random.
        loss_stride: labels are sub-sampled, and logits resized, to one per so many pixels in each direction.
        auxiliary_weight: of the auxiliary head's loss; 0 leaves the head out.
        gradient_clip: largest norm of the gradient; None leaves it.
        channels: width of the penultimate features.
    """

    optimizer: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 2e-2
    momentum: float = 0.9
    weight_decay: float = 1e-4
    encoder_rate: float = 1.0
    power: float = 0.9
    warmup: float = 0.0
    epochs: int = 20
    batch_size: int = 4
    crop_px: tuple[int, int] | None = None
    scale: tuple[float, float] = (300 / 720, 600 / 720)
    colour: float = 0.0
    flip: bool = True
    loss_stride: int = 8
    auxiliary_weight: float = 0.4
    gradient_clip: float | None = None
    channels: int = 512

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise ConfigError(f"epochs and batch size must be at least 1, not {self.epochs} and {self.batch_size}")
        if not self.learning_rate > 0:
            raise ConfigError(f"the learning rate must be above zero, not {self.learning_rate}")

    def steps(self, images: int) -> int:
        """Optimiser steps of the whole run on so many images."""
        return self.epochs * -(-images // self.batch_size)


# Source of `paper`: Hendrycks et al. 2022 section 5.1 (PSPNet, 20 epochs, SGD, momentum 0.9, learning rate 2e-2); its
# "learning rate decay of 1e-4" is read as weight decay, which is what the released configuration sets. From that
# configuration (CSAIL semantic-segmentation-pytorch): polynomial decay of power 0.9, auxiliary loss 0.4, loss at
# stride 8, mirroring, short sides 300..600 of 720. Batch 4 is two images on each of two GPUs.
# Source of `small`: measured here on rendered streets of 640x360 with two cores; see docs/results.md.
PRESETS: Final[dict[PresetName, Recipe]] = {
    "paper": Recipe(),
    "small": Recipe(
        optimizer="adamw",
        learning_rate=2e-3,
        weight_decay=1e-2,
        encoder_rate=0.3,
        warmup=0.1,
        epochs=16,
        batch_size=8,
        crop_px=(256, 320),
        scale=(0.6, 1.4),
        colour=0.2,
        loss_stride=4,
        auxiliary_weight=0.0,
        gradient_clip=5.0,
        channels=256,
    ),
}

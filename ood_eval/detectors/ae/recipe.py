"""How the autoencoder is trained."""

from __future__ import annotations

from typing import Any, Final

from ood_eval.detectors.ae.network import Autoencoder
from ood_eval.detectors.ae.task import ReconstructionTask
from ood_eval.training.recipe import Recipe
from ood_eval.training.trained_part import TrainedPart

# Source: Hendrycks et al. 2022 section 5.1 for the 10 epochs; the rest is not published.
RECIPE: Final = Recipe(
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.0,
    epochs=10,
    batch_size=8,
    crop_px=(256, 320),
    scale=(1.0, 1.0),
    auxiliary_weight=0.0,
    gradient_clip=5.0,
)


def _arguments() -> dict[str, Any]:
    """The published shape."""
    return {}


AUTOENCODER: Final = TrainedPart(
    name="autoencoder",
    network=Autoencoder,
    arguments=_arguments,
    task=ReconstructionTask,
    recipe=RECIPE,
    trains_on="in_distribution",
    uses_segmenter=False,
)

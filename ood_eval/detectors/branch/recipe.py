"""How the confidence branch is trained."""

from __future__ import annotations

from typing import Any, Final

from ood_eval.detectors.branch.network import ConfidenceBranch
from ood_eval.detectors.branch.task import BranchTask
from ood_eval.networks.segmenter import Segmenter, feature_width
from ood_eval.training.recipe import Recipe
from ood_eval.training.trained_part import TrainedPart

# The branch is one convolution on frozen features and settles within few passes over whole images at their own scale,
# which is where the segmenter is scored. DeVries and Taylor train it with the classifier by SGD at 0.1.
RECIPE: Final = Recipe(
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.0,
    epochs=4,
    batch_size=4,
    scale=(1.0, 1.0),
    auxiliary_weight=0.0,
    gradient_clip=5.0,
)


def _arguments(segmenter: Segmenter) -> dict[str, Any]:
    """The width of the penultimate features."""
    return {"width": feature_width(segmenter)}


CONFIDENCE_BRANCH: Final = TrainedPart(
    name="confidence_branch",
    network=ConfidenceBranch,
    arguments=_arguments,
    task=BranchTask,
    recipe=RECIPE,
    trains_on="in_distribution",
    uses_segmenter=True,
)

"""Training loops and losses."""

from ood_eval.training.extras import ExtrasPlan, extras_identity, train_extras
from ood_eval.training.fit import TrainingPlan, train
from ood_eval.training.loop import Machine
from ood_eval.training.recipe import AUTOENCODER, BRANCH, PRESETS, Recipe

__all__ = [
    "AUTOENCODER",
    "BRANCH",
    "PRESETS",
    "ExtrasPlan",
    "Machine",
    "Recipe",
    "TrainingPlan",
    "extras_identity",
    "train",
    "train_extras",
]

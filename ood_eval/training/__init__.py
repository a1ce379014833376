"""Training loops and losses."""

from ood_eval.training.fit import Machine, TrainingPlan, train
from ood_eval.training.recipe import PRESETS, Recipe

__all__ = ["PRESETS", "Machine", "Recipe", "TrainingPlan", "train"]

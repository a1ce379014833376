"""The training loop, its views and recipes, the segmenter's task, and networks that methods train for themselves."""

from ood_eval.training.fit import TrainingPlan, train
from ood_eval.training.loop import Machine
from ood_eval.training.parts import part_keys, train_parts
from ood_eval.training.recipe import PRESETS, Recipe
from ood_eval.training.trained_part import TrainedPart, TrainsOn

__all__ = [
    "PRESETS",
    "Machine",
    "Recipe",
    "TrainedPart",
    "TrainingPlan",
    "TrainsOn",
    "part_keys",
    "train",
    "train_parts",
]

"""What is scored, and what is kept of it: tasks by name."""

from typing import Final

from ood_eval.tasks.pixel import PixelTask
from ood_eval.tasks.task import Count, StateArrays, Task

TASKS: Final[dict[str, Task]] = {"pixel": PixelTask()}

__all__ = ["TASKS", "Count", "StateArrays", "Task"]

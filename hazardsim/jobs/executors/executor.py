"""What an executor must be able to do."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from hazardsim.jobs.job import Task


class Executor(Protocol):
    """Carries out tasks side by side; each writes into the folder that it names."""

    def submit(self, task: Task) -> Future[None]:
        """Begin a task; the future is done when its frames are on disk, or holds the HazardsimError that ended it."""

    def close(self) -> None:
        """Stop what still runs and wait until it has ended."""

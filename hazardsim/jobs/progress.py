"""One progress bar for any number of workers, read from what they have written."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from typing_extensions import Never

from hazardsim.dataset.finish import manifest_length
from hazardsim.dataset.journal import Journal
from hazardsim.jobs.job import RenderJob, Shard


class Progress:
    """Frames and left-out scenes of a shard, as far as the journal knows; listed again only when it has changed."""

    def __init__(self, root: Path, job: RenderJob, shard: Shard) -> None:
        self._journal = Journal(root, job.split)
        self._numbers = shard.numbers(job.frames)
        finished = manifest_length(root, job.split)
        self._finished = sum(1 for number in self._numbers if number <= finished)
        self._changed: int | None = None
        self.kept, self.rejected = self._finished, 0

    @property
    def total(self) -> int:
        """How many frames the shard is to have."""
        return len(self._numbers)

    @property
    def begun(self) -> bool:
        """Whether a worker has begun to write."""
        return self._journal.folder.is_dir()

    def update(self) -> None:
        """Look again."""
        folder = self._journal.folder
        changed = folder.stat().st_mtime_ns if folder.is_dir() else None
        if changed is None or changed == self._changed:
            return
        self._changed = changed
        self.kept = self._finished + sum(1 for number in self._journal.kept() if number in self._numbers)
        attempts = self._journal.attempts()
        self.rejected = sum(attempts[number] for number in self._numbers)


class ProgressBar:
    """The bar on the terminal: frames, rate, time left, and how many scenes were left out.

    It appears once a worker has begun, so that what fails before that gets its one line; log lines go above it.
    """

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress, self._title = progress, title
        self._held = ExitStack()
        self._bar: tqdm[Never] | None = None

    def __enter__(self) -> ProgressBar:
        """Redirect the log."""
        self._held.enter_context(logging_redirect_tqdm())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Draw the last state and leave the bar on the terminal."""
        self.update()
        self._held.close()

    def update(self) -> None:
        """Draw what is new, if anything is."""
        progress = self._progress
        if self._bar is None:
            if not progress.begun:
                return
            progress.update()
            self._bar = self._held.enter_context(
                tqdm(
                    total=progress.total,
                    initial=progress.kept,
                    unit="frame",
                    desc=self._title,
                    file=sys.stderr,
                    dynamic_ncols=True,
                )
            )
            return
        before = (progress.kept, progress.rejected)
        progress.update()
        if (progress.kept, progress.rejected) != before:
            self._bar.set_postfix({"rejected": progress.rejected}, refresh=False)
            self._bar.update(progress.kept - self._bar.n)

"""One progress bar for any number of workers, read from what they have written."""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
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
    """Frames and left-out scenes of a shard, as far as the journal knows.

    It is listed again only when it has changed, and so seldom that a long one is not listed all the time.
    """

    def __init__(self, root: Path, job: RenderJob, shard: Shard) -> None:
        self._journal = Journal(root, job.split)
        self._numbers = shard.numbers(job.frames)
        self._finished = bisect_right(self._numbers, manifest_length(root, job.split))
        self._changed: int | None = None
        self._rest_until = 0.0
        self.kept, self.rejected = self._finished, 0

    @property
    def total(self) -> int:
        """How many frames the shard is to have."""
        return len(self._numbers)

    @property
    def begun(self) -> bool:
        """Whether a worker has begun to write."""
        return self._journal.folder.is_dir()

    def update(self, *, at_once: bool) -> None:
        """Look again; unless `at_once`, not before twenty times as long have passed as the last look took."""
        folder, began = self._journal.folder, time.monotonic()
        changed = folder.stat().st_mtime_ns if folder.is_dir() else None
        if changed is None or changed == self._changed or (began < self._rest_until and not at_once):
            return
        self._changed = changed
        kept, self.rejected = self._journal.counts(self._numbers[self._finished :])
        self.kept = self._finished + kept
        self._rest_until = began + 21 * (time.monotonic() - began)


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
        self.update(at_once=True)
        self._held.close()

    def update(self, *, at_once: bool = False) -> None:
        """Draw what is new, if anything is."""
        progress = self._progress
        if self._bar is None:
            if not progress.begun:
                return
            progress.update(at_once=True)
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
        progress.update(at_once=at_once)
        if (progress.kept, progress.rejected) != before:
            self._bar.set_postfix({"rejected": progress.rejected}, refresh=False)
            self._bar.update(progress.kept - self._bar.n)

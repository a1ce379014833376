"""A job from its first frame to the finished split: what is missing is shared out among workers, then finished."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from pathlib import Path

from hazardsim.catalogue.library import load_catalogue
from hazardsim.dataset.finish import finish_split, is_whole, missing_frames
from hazardsim.dataset.lock import hold_split
from hazardsim.dataset.recipe_file import compare_recipe
from hazardsim.errors import ConfigError
from hazardsim.jobs.executors import EXECUTORS
from hazardsim.jobs.job import WHOLE, RenderJob, Shard, Simulator, Task
from hazardsim.jobs.progress import Progress, ProgressBar
from hazardsim.jobs.recipe import DRAWN_BY, recipe_of

_POLL_S = 0.2


def render(
    job: RenderJob, root: Path, simulator: Simulator, shard: Shard = WHOLE, workers: int = 1, executor: str = "local"
) -> None:
    """Make a shard of the job below `root`, and finish the split where the shard is all of it.

    Raises:
        HazardsimError: another split is there, another run is at it, or a worker gave up.
    """
    if executor not in EXECUTORS:
        close = difflib.get_close_matches(executor, EXECUTORS, 1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(EXECUTORS)}"
        raise ConfigError(f"executor {executor!r} is not known; {hint}")
    recipe = recipe_of(job, load_catalogue().digest)
    unknown = frozenset({DRAWN_BY})  # known once a server runs
    compare_recipe(root, job.split, recipe, unknown)
    if is_whole(root, job.split, job.frames):
        return
    with hold_split(root, job.split, "" if shard.is_whole else f"{shard.number}-of-{shard.count}"):
        compare_recipe(root, job.split, recipe, unknown)  # again: it may have come while we waited
        if is_whole(root, job.split, job.frames):
            return
        tasks = [Task(job, str(root), share, simulator) for share in shard.shared_out(workers)]
        needed = [task for task in tasks if _is_needed(task)]
        if needed:
            _carry_out(needed, executor, Progress(root, job, shard), f"{'+'.join(job.towns)} {job.split}")
        if shard.is_whole:
            finish_split(root, job.split)


def _is_needed(task: Task) -> bool:
    """Whether a frame of the task is missing."""
    numbers = task.shard.numbers(task.job.frames)
    return next(missing_frames(Path(task.out), task.job.split, numbers), None) is not None


def _carry_out(tasks: Sequence[Task], executor: str, progress: Progress, title: str) -> None:
    """Run the tasks side by side; the first error stops them all."""
    runner = EXECUTORS[executor]()
    try:
        with ProgressBar(progress, title) as bar:
            running = {runner.submit(task) for task in tasks}
            while running:
                done, running = wait(running, _POLL_S, FIRST_EXCEPTION)
                bar.update()
                for future in done:
                    future.result()
    finally:
        runner.close()

"""A worker: scenes to frames to kept frames to files, for one shard of a job; a process of its own.

The client library aborts its process on damaged data and can hang, so it never runs in the parent; what counts is the
files on disk and the exit code.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from pydantic import TypeAdapter

from hazardsim.catalogue.asset import AnomalyAsset
from hazardsim.catalogue.library import Catalogue, load_catalogue
from hazardsim.dataset.numbering import Slot, slot_of
from hazardsim.dataset.split import Split
from hazardsim.dataset.writer import SplitWriter
from hazardsim.errors import ConfigError, HazardsimError, PlacementError, ServerLostError
from hazardsim.frame import Frame
from hazardsim.frame_checks import fault
from hazardsim.frame_source import FrameSource, OpenSource
from hazardsim.jobs.job import SERVER_LOST, WORK_REFUSED, RenderJob, Task, WorkOrder
from hazardsim.jobs.recipe import recipe_of
from hazardsim.jobs.sources import SOURCES
from hazardsim.processes import end_with_parent
from hazardsim.scenario.sample import sample_scene

LOG = logging.getLogger(__name__)

MOST_ATTEMPTS = 40
"""So many scenes of one slot may be left out before the run gives up: something is wrong with scenario or town."""

_WAITING_FRAMES = 2
"""Frames that may wait to be decoded and written while the next one is drawn."""


def assets_for(split: Split, catalogue: Catalogue) -> tuple[AnomalyAsset, ...]:
    """The models that may appear in a split: categories are never shared between validation and test.

    A training split with anomalies (outlier exposure) uses the validation models.
    """
    return tuple(sorted(catalogue.of_split("test" if split == "test" else "validation"), key=lambda a: a.id))


def render_shard(task: Task, open_source: OpenSource, drawn_by: str) -> None:
    """Make every frame of the shard that is not there yet, town by town.

    Raises:
        ConfigError: too many scenes of one slot had to be left out.
        HazardsimError: the source cannot go on, or the split's folder holds another recipe or cannot be written.
    """
    job = task.job
    catalogue = load_catalogue()
    assets = assets_for(job.split, catalogue) if job.anomalies else ()
    writer: SplitWriter | None = None
    slots = [slot_of(number, job.towns) for number in task.shard.numbers(job.frames)]
    for town in job.towns:
        of_town = [slot for slot in slots if slot.town == town]
        missing = [slot for slot in of_town if writer is None or not writer.has(slot.number)]
        if not missing:
            continue
        with open_source(town) as source:
            if writer is None:  # only now: a server that cannot be reached leaves no trace on disk
                writer = SplitWriter(Path(task.out), job.split, recipe_of(job, catalogue.digest, drawn_by))
                missing = [slot for slot in missing if not writer.has(slot.number)]
            _TownRun(job, source, writer, assets).make(missing)


class _TownRun:
    """Frames of one town: the next one is drawn while the ones before it are decoded, checked and written."""

    def __init__(
        self, job: RenderJob, source: FrameSource, writer: SplitWriter, assets: Sequence[AnomalyAsset]
    ) -> None:
        self._job, self._source, self._writer, self._assets = job, source, writer, assets
        self._waiting: deque[tuple[Slot, int, Future[str | None]]] = deque()

    def make(self, slots: Sequence[Slot]) -> None:
        """Try attempts of each slot until one is kept."""
        todo = deque((slot, self._writer.next_attempt(slot.number)) for slot in slots)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="frame-writer") as thread:
            try:
                self._try_all(todo, thread)
            except BaseException:
                thread.shutdown(wait=False, cancel_futures=True)
                raise

    def _try_all(self, todo: deque[tuple[Slot, int]], thread: ThreadPoolExecutor) -> None:
        while todo or self._waiting:
            if self._waiting and (not todo or self._settled()):
                slot, attempt, stored = self._waiting.popleft()
                reason = stored.result()
            else:
                slot, attempt = todo.popleft()
                reason = self._begin(slot, attempt, thread)
            if reason is not None:
                todo.appendleft((slot, self._leave_out(slot, attempt, reason)))

    def _settled(self) -> bool:
        """Whether the oldest waiting frame must or can be looked at now."""
        return len(self._waiting) >= _WAITING_FRAMES or self._waiting[0][2].done()

    def _begin(self, slot: Slot, attempt: int, thread: ThreadPoolExecutor) -> str | None:
        """Sample and take one attempt, and have the rest done by the thread; the reason where it is left out now."""
        job = self._job
        scene = sample_scene(job.scenario, job.seed, slot.index, self._source.surroundings, self._assets, attempt)
        if scene is None:
            return "no anomaly found room in any of the views tried"
        try:
            decode = self._source.capture(scene)
        except PlacementError as error:
            return str(error)
        self._waiting.append((slot, attempt, thread.submit(self._store, slot, decode)))
        return None

    def _store(self, slot: Slot, decode: Callable[[], Frame]) -> str | None:
        """Keep the frame, or say why it is left out."""
        frame = decode()
        reason = fault(frame, self._job.scenario.anomalies.min_pixels)
        if reason is None:
            self._writer.keep(frame, slot.number)
        return reason

    def _leave_out(self, slot: Slot, attempt: int, reason: str) -> int:
        """Write it down; the number of the next attempt."""
        LOG.info("attempt %d of scene %d of %s left out: %s", attempt, slot.index, slot.town, reason)
        self._writer.reject(slot, attempt, reason)
        if attempt + 1 >= MOST_ATTEMPTS:
            raise ConfigError(
                f"{MOST_ATTEMPTS} scenes for frame {slot.number} ({slot.town}) had to be left out, the last because "
                f"{reason}; loosen the scenario (distance_m, min_pixels, categories)"
            )
        return attempt + 1


def main() -> int:
    """Entry point of the process: a work order as JSON on stdin; the last line in the log is an expected error."""
    end_with_parent(int(sys.argv[1]))
    logging.basicConfig(level=logging.WARNING, format="hazardsim: %(message)s", stream=sys.stderr)
    order = TypeAdapter(WorkOrder).validate_python(json.load(sys.stdin))
    try:
        render_shard(order.task, SOURCES[order.task.job.source](order), order.drawn_by)
    except ServerLostError as error:
        LOG.warning("%s", error)
        return SERVER_LOST
    except HazardsimError as error:
        sys.stderr.write(f"hazardsim: {error}\n")
        return WORK_REFUSED
    except RuntimeError as error:  # what the client library raises for every failed call
        LOG.warning("the simulator client failed: %s", error)
        return SERVER_LOST
    return 0


if __name__ == "__main__":
    exit_code = main()
    sys.stderr.flush()
    os._exit(exit_code)  # the client library's threads may abort an ordinary exit, and all is on disk

"""One thread that does all drawing and ray casting, in order, with a short queue of pictures."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.server.scene import Hit, Renderer, Town
from hazardsim.server.world.world import Snapshot, VisibleWorld

_log = logging.getLogger(__name__)

Deliver = Callable[[Snapshot, list[NDArray[np.uint8]]], None]
QUEUED_FRAMES: Final = 2
"""Frames that may wait or be drawn when the clock goes on; the next tick waits for room."""


class RenderQueue:
    """Wraps a renderer: it never sees two threads, and calls wait their turn."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._queued: deque[Future[None]] = deque()

    def load(self, town: Town) -> None:
        """Make a town the current one, after all that was asked for before.

        Raises:
            HazardsimError: what the renderer raises.
        """
        self._thread.submit(self._renderer.load, town).result()

    def cast(
        self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float, visible: VisibleWorld
    ) -> list[Hit]:
        """Surfaces on a ray, nearest first; see `Renderer.cast`."""
        job = self._thread.submit(self._renderer.cast, origin, direction, reach_m, visible.objects, visible.hidden)
        return job.result()

    @property
    def idle(self) -> bool:
        """Whether no snapshot waits or is being drawn; only for the thread that ticks."""
        self._forget_finished()
        return not self._queued

    def wait_for_room(self) -> None:
        """Wait until another snapshot may be queued; only for the thread that ticks.

        Raises:
            RenderError: an earlier snapshot could not be drawn.
        """
        while len(self._queued) >= QUEUED_FRAMES:
            self._queued[0].exception()
            self._forget_finished(complain=True)
        self._forget_finished(complain=True)

    def draw(self, snapshot: Snapshot, deliver: Deliver) -> None:
        """Queue the shots of a snapshot; `deliver` gets the pictures on the drawing thread."""
        self._queued.append(self._thread.submit(self._draw, snapshot, deliver))

    def close(self) -> None:
        """Finish what is being drawn, forget the rest."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _draw(self, snapshot: Snapshot, deliver: Deliver) -> None:
        cameras = [shot.camera for shot in snapshot.shots]
        pictures = self._renderer.render(cameras, snapshot.visible.objects, snapshot.weather, snapshot.visible.hidden)
        for shot, picture in zip(snapshot.shots, pictures, strict=True):
            wanted = (shot.camera.height, shot.camera.width, 4)
            if picture.shape != wanted or picture.dtype != np.uint8:
                raise RenderError(f"camera {shot.actor_id}: got {picture.dtype} {picture.shape}, wanted uint8 {wanted}")
        deliver(snapshot, pictures)

    def _forget_finished(self, *, complain: bool = False) -> None:
        while self._queued and self._queued[0].done():
            snapshot = self._queued.popleft()
            error = None if snapshot.cancelled() else snapshot.exception()
            if error is None:
                continue
            _log.error("a frame could not be drawn: %s", error, exc_info=error)
            if complain:
                raise RenderError(f"a frame could not be drawn: {error}") from error

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
from hazardsim.server.world.world import Scenery, View

_log = logging.getLogger(__name__)

Deliver = Callable[[View, list[NDArray[np.uint8]]], None]
QUEUED_VIEWS: Final = 2
"""Views that may wait or be drawn when the clock goes on; the next tick waits for room."""


class Studio:
    """Wraps a renderer: it never sees two threads, and calls wait their turn."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._views: deque[Future[None]] = deque()

    def load(self, town: Town) -> None:
        """Make a town the current one, after all that was asked for before.

        Raises:
            HazardsimError: what the renderer raises.
        """
        self._thread.submit(self._renderer.load, town).result()

    def cast(
        self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float, scenery: Scenery
    ) -> list[Hit]:
        """Surfaces on a ray, nearest first; see `Renderer.cast`."""
        job = self._thread.submit(self._renderer.cast, origin, direction, reach_m, scenery.objects, scenery.hidden)
        return job.result()

    @property
    def idle(self) -> bool:
        """Whether no view waits or is being drawn; only for the thread that ticks."""
        self._forget_finished()
        return not self._views

    def wait_for_room(self) -> None:
        """Wait until another view may be queued; only for the thread that ticks.

        Raises:
            RenderError: an earlier view could not be drawn.
        """
        while len(self._views) >= QUEUED_VIEWS:
            self._views[0].exception()
            self._forget_finished(complain=True)
        self._forget_finished(complain=True)

    def draw(self, view: View, deliver: Deliver) -> None:
        """Queue the shots of a view; `deliver` gets the pictures on the drawing thread."""
        self._views.append(self._thread.submit(self._draw, view, deliver))

    def close(self) -> None:
        """Finish what is being drawn, forget the rest."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _draw(self, view: View, deliver: Deliver) -> None:
        cameras = [shot.camera for shot in view.shots]
        pictures = self._renderer.render(cameras, view.scenery.objects, view.weather, view.scenery.hidden)
        for shot, picture in zip(view.shots, pictures, strict=True):
            wanted = (shot.camera.height, shot.camera.width, 4)
            if picture.shape != wanted or picture.dtype != np.uint8:
                raise RenderError(f"camera {shot.actor_id}: got {picture.dtype} {picture.shape}, wanted uint8 {wanted}")
        deliver(view, pictures)

    def _forget_finished(self, *, complain: bool = False) -> None:
        while self._views and self._views[0].done():
            view = self._views.popleft()
            error = None if view.cancelled() else view.exception()
            if error is None:
                continue
            _log.error("a frame could not be drawn: %s", error, exc_info=error)
            if complain:
                raise RenderError(f"a frame could not be drawn: {error}") from error

"""One thread that does all drawing and most ray casting, in order, with a short queue of pictures."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.server.renderables import Camera, Hit, Renderer, Town
from hazardsim.server.world.sensors.sensor import SensorBlueprint
from hazardsim.server.world.world import Reading, Snapshot, VisibleWorld

_log = logging.getLogger(__name__)

Deliver = Callable[[Reading, Snapshot, Sequence[NDArray[Any]]], None]
QUEUED_FRAMES: Final = 2
"""Frames that may wait or be drawn when the clock goes on; the next tick waits for room."""


class RenderQueue:
    """Wraps a renderer: it never draws for two threads, and calls wait their turn."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._queued: deque[Future[None]] = deque()

    def require(self, sensors: Collection[SensorBlueprint]) -> None:
        """Refuse sensors that ask for a picture which this renderer does not draw.

        Raises:
            RenderError: names the sensor and the render pass.
        """
        for sensor in sensors:
            for name in sensor.passes:
                if name not in self._renderer.passes:
                    known = ", ".join(self._renderer.passes)
                    raise RenderError(f"{sensor.id} needs the render pass {name!r}; this renderer draws {known}")

    def load(self, town: Town) -> None:
        """Make a town the current one, after all that was asked for before.

        Raises:
            RenderError: the renderer cannot use a mesh or a material of the town; names it.
        """
        self._thread.submit(self._renderer.load, town).result()

    def cast(
        self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float, visible: VisibleWorld
    ) -> list[Hit]:
        """Surfaces on a ray, nearest first; see `Renderer.cast`. Rays through the mere town wait for no picture."""
        if not visible.objects and not visible.hidden:
            return self._renderer.cast_through_town(origin, direction, reach_m)
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

    def draw(self, snapshot: Snapshot, readings: Sequence[Reading], deliver: Deliver) -> None:
        """Queue the pictures of some readings; `deliver` gets each reading's own on the drawing thread."""
        self._queued.append(self._thread.submit(self._draw, snapshot, readings, deliver))

    def close(self) -> None:
        """Finish what is being drawn, forget the rest."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _draw(self, snapshot: Snapshot, readings: Sequence[Reading], deliver: Deliver) -> None:
        try:
            self._draw_and_deliver(snapshot, readings, deliver)
        except Exception as error:
            _log.exception("a frame could not be drawn: %s", error)  # now: no tick may follow that could be told
            raise

    def _draw_and_deliver(self, snapshot: Snapshot, readings: Sequence[Reading], deliver: Deliver) -> None:
        cameras = [camera for reading in readings for camera in reading.measurement.cameras]
        visible = snapshot.visible
        pictures = self._renderer.render(cameras, visible.objects, snapshot.weather, visible.hidden)
        for camera, picture in zip(cameras, pictures, strict=True):
            self._check(camera, picture)
        left = iter(pictures)
        for reading in readings:
            deliver(reading, snapshot, [next(left) for _ in reading.measurement.cameras])

    def _check(self, camera: Camera, picture: NDArray[Any]) -> None:
        form = self._renderer.passes[camera.render_pass]
        wanted = (camera.height, camera.width, form.values)
        if picture.shape != wanted or picture.dtype != form.dtype:
            raise RenderError(
                f"render pass {camera.render_pass}: got {picture.dtype} {picture.shape}, wanted {form.dtype} {wanted}"
            )

    def _forget_finished(self, *, complain: bool = False) -> None:
        while self._queued and self._queued[0].done():
            snapshot = self._queued.popleft()
            error = None if snapshot.cancelled() else snapshot.exception()
            if error is not None and complain:
                raise RenderError(f"a frame could not be drawn: {error}") from error

"""The sensors that bring a frame's channels: at one place, in step by frame number."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Any

from hazardsim.capture.session import FRAME_TIMEOUT_S, Session
from hazardsim.channels import CHANNELS
from hazardsim.channels.wire import SensorImage
from hazardsim.errors import ServerLostError, SimulatorError
from hazardsim.geometry.axes import carla_from_pose
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.scene import SceneCamera

LOG = logging.getLogger(__name__)

Transform = Any


def transform_of(pose: Pose) -> Transform:
    """The `carla.Transform` of a pose."""
    import carla

    (x, y, z), (pitch, yaw, roll) = carla_from_pose(pose)
    return carla.Transform(carla.Location(x, y, z), carla.Rotation(pitch=pitch, yaw=yaw, roll=roll))


def wanted_sensors() -> dict[str, dict[str, str]]:
    """The blueprints that the channels come from, in the table's order, each with the attributes it must have."""
    wanted: dict[str, dict[str, str]] = {}
    for channel in CHANNELS.values():
        wanted.setdefault(channel.sensor, {}).update(channel.settings)
    return wanted


class CameraRig:
    """The sensors; made once per episode and moved, because servers leak memory with each one made (7156, 7413).

    Any thread may wait for the pictures of a frame while another one has the next frame drawn.
    """

    def __init__(self, session: Session, camera: SceneCamera) -> None:
        self._session = session
        self.camera = camera
        self._sensors: dict[str, Any] = {}
        self._news = threading.Condition()
        self._images: dict[str, dict[int, SensorImage]] = {}
        self._latest: dict[str, int] = {}
        self._awaited: set[int] = set()
        self._heard_s = time.monotonic()
        self._given_up = False

    def __enter__(self) -> CameraRig:
        """Spawn the sensors and listen to them.

        Raises:
            SimulatorError: the server has no such sensor, or refuses it.
        """
        try:
            for name, settings in wanted_sensors().items():
                self._spawn(name, settings)
        except (RuntimeError, IndexError, SimulatorError) as error:
            self._close()
            raise SimulatorError(f"the server refused a camera: {error}") from error
        return self

    def _spawn(self, name: str, settings: Mapping[str, str]) -> None:
        blueprint = self._session.blueprint(name)
        camera = self.camera
        size = {"image_size_x": str(camera.width_px), "image_size_y": str(camera.height_px), "fov": str(camera.fov_deg)}
        for key, value in {**size, **settings}.items():
            blueprint.set_attribute(key, value)
        sensor = self._session.world.spawn_actor(blueprint, transform_of(camera.pose))
        self._sensors[name] = sensor
        self._images[name] = {}
        self._latest[name] = -1
        sensor.listen(partial(self._receive, name))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and destroy the cameras; a sensor that outlives the interpreter aborts the process."""
        self._close()

    def move(self, pose: Pose) -> None:
        """Put all cameras at a pose; it holds from the next tick on."""
        for sensor in self._sensors.values():
            sensor.set_transform(transform_of(pose))

    def expect(self, frame: int) -> None:
        """Keep the pictures of this frame until `pictures` takes them; those of frames before it go if not expected."""
        with self._news:
            self._awaited.add(frame)
            for kept in self._images.values():
                for old in [number for number in kept if number < frame and number not in self._awaited]:
                    del kept[old]

    def give_up(self) -> None:
        """Nothing will come any more: whoever waits is told so at once."""
        with self._news:
            self._given_up = True
            self._news.notify_all()

    def pictures(self, frame: int) -> dict[str, SensorImage]:
        """The data of exactly this frame, by the sensor's blueprint; waits for them.

        Raises:
            ServerLostError: a sensor is late; the message names it.
            SimulatorError: a sensor has skipped the frame; the message names it.
        """
        self.expect(frame)
        began_s = time.monotonic()
        with self._news:
            while (late := self._late(frame)) is not None:
                left_s = max(began_s, self._heard_s) + FRAME_TIMEOUT_S - time.monotonic()
                if self._given_up:
                    raise ServerLostError(f"the server broke off before {late} had sent frame {frame}")
                if left_s <= 0.0:
                    self._given_up = True  # the other frames that are waited for have no patience of their own
                    self._news.notify_all()
                    raise ServerLostError(f"{late} sent nothing for frame {frame} within {FRAME_TIMEOUT_S:.0f} s")
                self._news.wait(left_s)
            self._awaited.discard(frame)
            return {name: kept.pop(frame) for name, kept in self._images.items()}

    def _late(self, frame: int) -> str | None:
        """A sensor whose picture of the frame is still to come.

        Raises:
            SimulatorError: it has sent a later one instead.
        """
        for name, kept in self._images.items():
            if frame not in kept:
                if self._latest[name] > frame:
                    raise SimulatorError(f"{name} skipped frame {frame} and sent {self._latest[name]}")
                return name
        return None

    def _receive(self, name: str, image: Any) -> None:  # noqa: ANN401
        """Keep a picture; on a thread of the client library."""
        picture = SensorImage(bytes(image.raw_data), image.width, image.height)
        with self._news:
            self._images[name][image.frame] = picture
            self._latest[name] = image.frame
            self._heard_s = time.monotonic()
            self._news.notify_all()

    def _close(self) -> None:
        try:
            for sensor in self._sensors.values():
                sensor.stop()
            for sensor in self._sensors.values():
                sensor.destroy()
        except RuntimeError as error:
            LOG.warning("a camera could not be removed: %s", error)
        self._sensors.clear()

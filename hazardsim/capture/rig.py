"""The sensors that bring a frame's channels: at one place, in step by frame number."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from hazardsim.capture.session import FRAME_TIMEOUT_S, ROLE, Session
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
    """The sensors; made once per episode and moved, because servers leak memory with each one made (7156, 7413)."""

    def __init__(self, session: Session, camera: SceneCamera) -> None:
        self._session = session
        self.camera = camera
        self._queues: dict[str, queue.Queue[Any]] = {}
        self._sensors: dict[str, Any] = {}

    def __enter__(self) -> CameraRig:
        """Spawn the sensors and listen to them.

        Raises:
            SimulatorError: the server has no such sensor, or refuses it.
        """
        try:
            for name, settings in wanted_sensors().items():
                self._spawn(name, settings)
        except (RuntimeError, IndexError) as error:
            self._close()
            raise SimulatorError(f"the server refused a camera: {error}") from error
        return self

    def _spawn(self, name: str, settings: Mapping[str, str]) -> None:
        blueprint = self._session.world.get_blueprint_library().find(name)
        camera = self.camera
        size = {"image_size_x": str(camera.width_px), "image_size_y": str(camera.height_px), "fov": str(camera.fov_deg)}
        for key, value in {"role_name": ROLE, **size, **settings}.items():
            blueprint.set_attribute(key, value)
        sensor = self._session.world.spawn_actor(blueprint, transform_of(camera.pose))
        self._sensors[name] = sensor
        self._queues[name] = queue.Queue()
        sensor.listen(self._queues[name].put)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and destroy the cameras; a sensor that outlives the interpreter aborts the process."""
        self._close()

    def move(self, pose: Pose) -> None:
        """Put all cameras at a pose; it holds from the next tick on."""
        for sensor in self._sensors.values():
            sensor.set_transform(transform_of(pose))

    def pictures(self, frame: int) -> dict[str, SensorImage]:
        """The data of exactly this frame, by the sensor's blueprint.

        Raises:
            ServerLostError: a sensor is late; the message names it.
            SimulatorError: a sensor has skipped the frame; the message names it.
        """
        deadline = time.monotonic() + FRAME_TIMEOUT_S
        return {name: self._picture(name, frame, deadline) for name in self._queues}

    def _picture(self, name: str, frame: int, deadline: float) -> SensorImage:
        while True:
            try:
                image = self._queues[name].get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ServerLostError(f"{name} sent nothing for frame {frame} within {FRAME_TIMEOUT_S:.0f} s") from None
            if image.frame == frame:
                return SensorImage(bytes(image.raw_data), image.width, image.height)
            if image.frame > frame:
                raise SimulatorError(f"{name} skipped frame {frame} and sent {image.frame}")

    def _close(self) -> None:
        try:
            for sensor in self._sensors.values():
                sensor.stop()
            for sensor in self._sensors.values():
                sensor.destroy()
        except RuntimeError as error:
            LOG.warning("a camera could not be removed: %s", error)
        self._sensors.clear()

"""Four cameras at one place, in step by frame number."""

from __future__ import annotations

import logging
import queue
import time
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazardsim.capture.session import FRAME_TIMEOUT_S, ROLE, Session
from hazardsim.channels.wire import bgra_from_bytes
from hazardsim.errors import ServerLostError, SimulatorError
from hazardsim.geometry.axes import carla_from_pose
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.scene import SceneCamera

LOG = logging.getLogger(__name__)

KINDS = ("rgb", "semantic_segmentation", "instance_segmentation", "depth")

# Lens distortion must be equal for all four or labels shift against the picture; motion blur would smear a moved rig.
_LENS = {"lens_circle_falloff": "5.0", "lens_circle_multiplier": "0.0", "lens_k": "0.0", "lens_kcube": "0.0"}
_RGB_ONLY = {"motion_blur_intensity": "0.0", "lens_flare_intensity": "0.0"}

Transform = Any


def transform_of(pose: Pose) -> Transform:
    """The `carla.Transform` of a pose."""
    import carla

    (x, y, z), (pitch, yaw, roll) = carla_from_pose(pose)
    return carla.Transform(carla.Location(x, y, z), carla.Rotation(pitch=pitch, yaw=yaw, roll=roll))


class CameraRig:
    """The cameras; made once per episode and moved, because servers leak memory with every camera made (7156, 7413)."""

    def __init__(self, session: Session, camera: SceneCamera) -> None:
        self._session = session
        self.camera = camera
        self._queues: dict[str, queue.Queue[Any]] = {}
        self._sensors: dict[str, Any] = {}

    def __enter__(self) -> CameraRig:
        """Spawn the cameras and listen to them."""
        library = self._session.world.get_blueprint_library()
        try:
            for kind in KINDS:
                blueprint = library.find(f"sensor.camera.{kind}")
                blueprint.set_attribute("role_name", ROLE)
                blueprint.set_attribute("image_size_x", str(self.camera.width_px))
                blueprint.set_attribute("image_size_y", str(self.camera.height_px))
                blueprint.set_attribute("fov", str(self.camera.fov_deg))
                for name, value in {**_LENS, **(_RGB_ONLY if kind == "rgb" else {})}.items():
                    blueprint.set_attribute(name, value)
                sensor = self._session.world.spawn_actor(blueprint, transform_of(self.camera.pose))
                self._sensors[kind] = sensor
                self._queues[kind] = queue.Queue()
                sensor.listen(self._queues[kind].put)
        except (RuntimeError, IndexError) as error:
            self._close()
            raise SimulatorError(f"the server refused a camera: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and destroy the cameras; a sensor that outlives the interpreter aborts the process."""
        self._close()

    def move(self, pose: Pose) -> None:
        """Put all cameras at a pose; it holds from the next tick on."""
        for sensor in self._sensors.values():
            sensor.set_transform(transform_of(pose))

    def pictures(self, frame: int) -> dict[str, NDArray[np.uint8]]:
        """The BGRA pictures [H,W,4] u8 of exactly this frame, by camera kind.

        Raises:
            SimulatorError: a camera is late or has skipped the frame; the message names it.
        """
        deadline = time.monotonic() + FRAME_TIMEOUT_S
        return {kind: self._picture(kind, frame, deadline) for kind in KINDS}

    def _picture(self, kind: str, frame: int, deadline: float) -> NDArray[np.uint8]:
        while True:
            try:
                image = self._queues[kind].get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ServerLostError(
                    f"the {kind} camera sent nothing for frame {frame} within {FRAME_TIMEOUT_S:.0f} s"
                ) from None
            if image.frame == frame:
                return bgra_from_bytes(image.raw_data, image.width, image.height)
            if image.frame > frame:
                raise SimulatorError(f"the {kind} camera skipped frame {frame} and sent {image.frame}")

    def _close(self) -> None:
        try:
            for sensor in self._sensors.values():
                sensor.stop()
            for sensor in self._sensors.values():
                sensor.destroy()
        except RuntimeError as error:
            LOG.warning("a camera could not be removed: %s", error)
        self._sensors.clear()

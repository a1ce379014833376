"""The simulator client as a source of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hazardsim.capture.explore import explore
from hazardsim.capture.frames import capture_scene
from hazardsim.capture.rig import CameraRig
from hazardsim.capture.session import Session
from hazardsim.errors import ServerLostError
from hazardsim.frame import Frame
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.scene import Scene, SceneCamera
from hazardsim.scenario.spec import CameraSpec
from hazardsim.scenario.surroundings import Surroundings


class SimulatorSource:
    """One town on a running server, with cameras in it."""

    def __init__(self, session: Session, rig: CameraRig, drawn_by: str, warm_up: int) -> None:
        self._session, self._rig = session, rig
        self._drawn_by, self._warm_up = drawn_by, warm_up
        self.surroundings: Surroundings = explore(session, rig.give_up)

    def capture(self, scene: Scene) -> Callable[[], Frame]:
        """Put the scene up, have its pictures taken, take it down; the call that comes back brings the frame."""
        try:
            return capture_scene(self._session, self._rig, scene, self._drawn_by, self._warm_up)
        except (RuntimeError, ServerLostError):
            self._rig.give_up()
            raise


@contextmanager
def simulator_source(
    host: str, port: int, town: str, camera: CameraSpec, drawn_by: str, warm_up: int
) -> Iterator[SimulatorSource]:
    """Load a town on the server at `host` and `port` and put cameras like `camera` into it.

    Raises:
        SimulatorError: the server cannot be reached or refuses a camera.
        ConfigError: it does not have the town.
    """
    somewhere = SceneCamera(camera.width_px, camera.height_px, camera.fov_deg, Pose(0.0, 0.0, 50.0))
    with Session(host, port, town) as session, CameraRig(session, somewhere) as rig:
        yield SimulatorSource(session, rig, drawn_by, warm_up)

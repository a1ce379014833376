"""One scene to one frame: put it up on the server, take a picture with every sensor, decode each channel of them.

The channels are the rows of `hazardsim.channels`; nothing here knows one but the instance numbers and depth that say
where each anomaly is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hazardsim.capture.actors import SceneActors
from hazardsim.capture.rig import CameraRig
from hazardsim.capture.session import Session
from hazardsim.channels import CHANNELS
from hazardsim.channels.wire import SensorImage
from hazardsim.frame import Frame, SeenAnomaly
from hazardsim.scenario.scene import Scene


def capture_scene(
    session: Session, rig: CameraRig, scene: Scene, drawn_by: str = "", warm_up: int = 0
) -> Callable[[], Frame]:
    """Put the scene up, have its pictures taken, take it down; the call that comes back waits for them and decodes.

    That call may be made in any thread, and after the next scene was put up: a tick has fixed what its pictures show
    (the embedded server draws a frozen copy; Unreal captures within the tick), so that a server never waits for us.
    `drawn_by` goes into the frame's versions. `warm_up` ticks go by before the pictures: Unreal's exposure and puddles
    settle over time.

    Raises:
        SimulatorError: an actor cannot be placed, or a camera fails (then the call that comes back may say so).
    """
    import carla

    placed = SceneActors(session, scene)
    try:
        session.world.set_weather(carla.WeatherParameters(*scene.weather.values))
        rig.move(scene.camera.pose)
        for _ in range(warm_up):
            rig.pictures(session.tick())
        frame = session.tick()
        rig.expect(frame)
        versions = {"server": session.version, "client": session.client_version, "drawn_by": drawn_by}
        return partial(_frame, rig, frame, scene, tuple(placed.ids), versions)
    finally:
        placed.destroy()


def _frame(rig: CameraRig, number: int, scene: Scene, actor_ids: Sequence[int], versions: Mapping[str, str]) -> Frame:
    """Wait for the pictures of a frame of the server, and decode them."""
    return frame_from_pictures(scene, rig.pictures(number), actor_ids, versions)


def frame_from_pictures(
    scene: Scene, pictures: Mapping[str, SensorImage], actor_ids: Sequence[int], versions: Mapping[str, str]
) -> Frame:
    """Decode every channel from the data of its sensor, and find each anomaly.

    Raises:
        SimulatorError: a sensor sent another number of bytes than its picture has.
    """
    channels = {name: row.decode(pictures[row.sensor], actor_ids) for name, row in CHANNELS.items()}
    first = len(scene.actors) + 1
    seen = tuple(
        _seen(anomaly.asset_id, anomaly.category, first + k, channels["instance"], channels["depth"])
        for k, anomaly in enumerate(scene.anomalies)
    )
    return Frame(scene, channels, seen, versions)


def _seen(
    asset_id: str, category: str, number: int, instance: NDArray[np.uint16], depth: NDArray[np.uint32]
) -> SeenAnomaly:
    mask = instance == number
    pixels = int(mask.sum())
    if pixels == 0:
        return SeenAnomaly(asset_id, category, number, 0, (0, 0, 0, 0), float("inf"))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    distance = round(float(np.median(depth[mask])) * 1000.0 / (2**24 - 1), 3)
    return SeenAnomaly(asset_id, category, number, pixels, box, distance)

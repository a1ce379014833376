"""The number by which each released client knows a kind of stream.

It is the position in the client's sensor registry; a wrong one aborts the client's process. Source: the symbols of
each wheel; 1, 13, 14, 15 and 17 of 0.9.16 tried against the client (carla.md 12.8).
"""

from __future__ import annotations

from typing import Final

from hazardsim.errors import SimulatorError

SERVED_VERSION: Final = "0.9.16"

_BOTH: Final = (
    "collision",
    "depth",
    "normals",
    "dvs",
    "gnss",
    "imu",
    "lane_invasion",
    "obstacle",
    "optical_flow",
    "radar",
    "semantic_lidar",
    "lidar",
    "rss",
    "rgb",
    "semantic_segmentation",
    "instance_segmentation",
)
SENSORS: Final[dict[str, tuple[str, ...]]] = {
    "0.9.15": (*_BOTH, "world_observer", "gbuffer_u8", "gbuffer_float"),
    "0.9.16": (*_BOTH, "cosmos_control", "world_observer", "gbuffer_u8", "gbuffer_float", "v2x", "custom_v2x"),
}


def sensor_index(name: str, version: str = SERVED_VERSION) -> int:
    """The number of a stream kind, such as `rgb` or `world_observer`.

    Raises:
        SimulatorError: no table for that version, or no such kind in it.
    """
    if version not in SENSORS:
        raise SimulatorError(f"no sensor table for CARLA {version}; known: {', '.join(SENSORS)}")
    if name not in SENSORS[version]:
        raise SimulatorError(f"CARLA {version} has no sensor {name!r}; known: {', '.join(SENSORS[version])}")
    return SENSORS[version].index(name)

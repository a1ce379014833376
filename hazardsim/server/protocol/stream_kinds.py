"""The number by which each released client knows a kind of stream.

It is the position in the client's sensor registry (`LibCarla/source/carla/sensor/SensorRegistry.h`); a wrong one aborts
the client's process. The order is that of the symbols in each wheel; `docs/server.md` says which were tried.
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
STREAM_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "0.9.15": (*_BOTH, "world_observer", "gbuffer_u8", "gbuffer_float"),
    "0.9.16": (*_BOTH, "cosmos_control", "world_observer", "gbuffer_u8", "gbuffer_float", "v2x", "custom_v2x"),
}


def stream_kind_number(name: str, version: str = SERVED_VERSION) -> int:
    """The number of a stream kind, such as `rgb` or `world_observer`.

    Raises:
        SimulatorError: no table for that version, or no such kind in it.
    """
    if version not in STREAM_KINDS:
        raise SimulatorError(f"no sensor table for CARLA {version}; known: {', '.join(STREAM_KINDS)}")
    if name not in STREAM_KINDS[version]:
        raise SimulatorError(f"CARLA {version} has no sensor {name!r}; known: {', '.join(STREAM_KINDS[version])}")
    return STREAM_KINDS[version].index(name)

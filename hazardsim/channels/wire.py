"""From the bytes of CARLA's cameras to arrays. Pure: needs no client and no server.

Source: CARLA 0.9.16 documentation, "Sensors reference"; every camera sends 8 bit BGRA rows from the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import SimulatorError

FIRST_TOWN_INSTANCE = 0x8000


@dataclass(frozen=True, slots=True)
class SensorImage:
    """The raw data of one image sensor at one frame, a copy that outlives the client's buffer."""

    data: bytes
    width_px: int
    height_px: int

    def bgra(self) -> NDArray[np.uint8]:
        """The pixels of a camera, [H,W,4] u8, read-only.

        Raises:
            SimulatorError: more or fewer bytes than four a pixel.
        """
        expected = self.height_px * self.width_px * 4
        if len(self.data) != expected:
            raise SimulatorError(
                f"a picture of {self.width_px}x{self.height_px} has {len(self.data)} bytes, expected {expected}"
            )
        return np.frombuffer(self.data, dtype=np.uint8).reshape(self.height_px, self.width_px, 4)


def rgb_from_bgra(bgra: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H,W,3] u8."""
    return np.ascontiguousarray(bgra[..., 2::-1])


def tags_from_bgra(bgra: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """CARLA tags [H,W] u8 of a semantic or instance picture: the red channel."""
    return np.ascontiguousarray(bgra[..., 2])


def ids_from_bgra(bgra: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Instance ids [H,W] u16 of an instance picture: green + 256 blue."""
    green, blue = bgra[..., 1].astype(np.uint16), bgra[..., 0].astype(np.uint16)
    return np.bitwise_or(green, np.left_shift(blue, np.uint16(8)), dtype=np.uint16)


def depth_from_bgra(bgra: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """24 bit planar depth [H,W] u32: red + 256 green + 65536 blue."""
    blue, green, red = (bgra[..., i].astype(np.uint32) for i in range(3))
    return np.asarray(red + 256 * green + 65536 * blue, dtype=np.uint32)


def scene_instances(ids: NDArray[np.uint16], actor_ids: Sequence[int]) -> NDArray[np.uint16]:
    """Instance ids that do not depend on the server's actor numbering.

    Actor k of `actor_ids` becomes k + 1; everything else keeps its lower 15 bits above 0x8000; 0 stays 0.
    """
    table = np.arange(65536, dtype=np.uint16) | np.uint16(FIRST_TOWN_INSTANCE)
    table[0] = 0
    for number, actor in enumerate(actor_ids, start=1):
        table[actor & 0xFFFF] = number
    return table[ids]

"""A frame: what the cameras saw of one scene, checked and frozen at the border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazardsim.channels import CHANNELS
from hazardsim.errors import SimulatorError
from hazardsim.scenario.scene import Scene


@dataclass(frozen=True, slots=True)
class SeenAnomaly:
    """One anomaly as it came out: its number in the instance image, its pixels, its box and its distance.

    `box_px` is left, top, right, bottom; right and bottom are one past the last pixel.
    """

    asset_id: str
    category: str
    instance: int
    pixels: int
    box_px: tuple[int, int, int, int]
    distance_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Pictures of one scene from one place at one simulator frame: an array for each row of `CHANNELS`.

    `anomalies` says how each of the scene's anomalies came out, `versions` what made the pictures.
    """

    scene: Scene
    channels: Mapping[str, NDArray[Any]]
    anomalies: tuple[SeenAnomaly, ...]
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check names, shapes and kinds, freeze the arrays.

        Raises:
            SimulatorError: a channel is missing, unknown, or of another shape or kind; names it.
        """
        if differing := sorted(set(self.channels) ^ set(CHANNELS)):
            raise SimulatorError(f"scene {self.scene.id}: {', '.join(differing)} missing from the frame or the table")
        camera = self.scene.camera
        for name, row in CHANNELS.items():
            array, shape = self.channels[name], row.shape(camera.height_px, camera.width_px)
            if array.shape != shape or array.dtype != row.dtype:
                raise SimulatorError(
                    f"scene {self.scene.id}: {name} image is {array.dtype} {array.shape}, expected {row.dtype} "
                    f"{shape}; client and server disagree about the camera"
                )
            array.flags.writeable = False
        object.__setattr__(self, "channels", MappingProxyType(dict(self.channels)))

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """[H,W,3] u8."""
        return self.channels["rgb"]

    @property
    def semantic(self) -> NDArray[np.uint8]:
        """CARLA tags [H,W] u8."""
        return self.channels["semantic"]

    @property
    def instance(self) -> NDArray[np.uint16]:
        """[H,W] u16: 1..N the scene's actors and then anomalies in order, town objects from 0x8000 on, 0 none."""
        return self.channels["instance"]

    @property
    def depth(self) -> NDArray[np.uint32]:
        """CARLA's 24 bit planar depth [H,W] u32: metres = 1000 * value / (2**24 - 1), the largest value is sky."""
        return self.channels["depth"]

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """Planar depth [H,W] f32 in metres along the optical axis; inf is sky."""
        metres = (self.depth.astype(np.float64) * (1000.0 / (2**24 - 1))).astype(np.float32)
        return np.where(self.depth == 2**24 - 1, np.float32(np.inf), metres)

"""A frame: what the cameras saw of one scene, checked and frozen at the border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    """Pictures of one scene from one camera at one simulator frame.

    rgb [H,W,3] u8; semantic [H,W] u8 CARLA tags; instance [H,W] u16: 1..N the scene's own actors and then anomalies in
    their order, from 0x8000 on the town's objects, 0 none; depth [H,W] u32, CARLA's 24 bit planar depth
    (metres = 1000 * value / (2**24 - 1), the largest value is sky).
    """

    scene: Scene
    rgb: NDArray[np.uint8]
    semantic: NDArray[np.uint8]
    instance: NDArray[np.uint16]
    depth: NDArray[np.uint32]
    anomalies: tuple[SeenAnomaly, ...]
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        """Check shapes and kinds, freeze the arrays."""
        shape = (self.scene.camera.height_px, self.scene.camera.width_px)
        expected = (
            ("rgb", self.rgb, (*shape, 3), np.uint8),
            ("semantic", self.semantic, shape, np.uint8),
            ("instance", self.instance, shape, np.uint16),
            ("depth", self.depth, shape, np.uint32),
        )
        for name, array, size, kind in expected:
            if array.shape != size or array.dtype != kind:
                raise SimulatorError(
                    f"scene {self.scene.id}: {name} image is {array.dtype} {array.shape}, expected "
                    f"{np.dtype(kind)} {size}; client and server disagree about the camera"
                )
            array.flags.writeable = False

    @property
    def depth_m(self) -> NDArray[np.float32]:
        """Planar depth [H,W] f32 in metres along the optical axis; inf is sky."""
        metres = (self.depth.astype(np.float64) * (1000.0 / (2**24 - 1))).astype(np.float32)
        return np.where(self.depth == 2**24 - 1, np.float32(np.inf), metres)

"""What passes between the rooms of the embedded server: a town, moving things, cameras, a renderer.

Axes: right-handed, x forward, y left, z up, metres. A pose is a [4,4] float64 matrix, local to world; it may hold a
uniform scale for things, never for cameras (a camera looks along its local +x).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.poses import PoseMatrix
from hazardsim.mesh.model import StaticMesh, TaggedPart
from hazardsim.server.weather import Weather

FIRST_TOWN_ID = 0x8000
"""Instance ids of town objects start here, so that they never meet the first 32767 actor ids."""


@dataclass(frozen=True, slots=True, eq=False)
class TownObject:
    """A thing that belongs to the town: a building, a tree, a parked car.

    `model` is a key of `Town.models` that is drawn at `pose`, or None where the triangles are in a StaticMesh.
    `centre_m` and `extent_m` (half sizes) are its box in its own axes.
    """

    id: int
    name: str
    tag: int
    pose: PoseMatrix
    centre_m: tuple[float, float, float]
    extent_m: tuple[float, float, float]
    model: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """Everything of a town that does not move.

    `origin_deg` is the latitude and longitude (WGS84) of its axes' origin, x pointing east and y north; None where the
    map does not say.
    """

    name: str
    opendrive: str
    meshes: tuple[StaticMesh, ...]
    models: Mapping[str, tuple[TaggedPart, ...]]
    objects: tuple[TownObject, ...]
    spawn_points: tuple[PoseMatrix, ...]
    origin_deg: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SceneObject:
    """An actor with a body; `key` is equal only for equal parts, so that a renderer can keep them loaded."""

    id: int
    key: str
    parts: tuple[TaggedPart, ...]
    pose: PoseMatrix


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One picture to take: horizontal field of view in degrees, size in pixels, `options` = blueprint attributes.

    `render_pass` is a name of `Renderer.passes`.
    """

    render_pass: str
    width: int
    height: int
    fov_deg: float
    pose: PoseMatrix
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a ray met: distance along the unit direction in metres, tag and instance id."""

    distance_m: float
    tag: int
    object_id: int


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What a render pass says of each pixel: `values` numbers of a numpy `dtype`."""

    dtype: str
    values: int


BGRA: Final = PixelFormat("uint8", 4)
"""Eight bits a colour, in the byte order of CARLA's cameras."""


class Renderer(Protocol):
    """Draws what it is told; knows nothing of actors, clocks or sockets."""

    @property
    def passes(self) -> Mapping[str, PixelFormat]:
        """What it can draw, by name."""

    def load(self, town: Town) -> None:
        """Make this the town of all that follows."""

    def render(
        self,
        cameras: Sequence[Camera],
        objects: Sequence[SceneObject],
        weather: Weather,
        hidden: frozenset[int] = frozenset(),
    ) -> list[NDArray[Any]]:
        """One [H,W,values] picture a camera, in the format of its pass; town objects in `hidden` are left out."""

    def cast(
        self,
        origin: NDArray[np.float64],
        direction: NDArray[np.float64],
        reach_m: float,
        objects: Sequence[SceneObject],
        hidden: frozenset[int] = frozenset(),
    ) -> list[Hit]:
        """Every surface on a ray from `origin` [3] along `direction` [3], nearest first, up to `reach_m`."""

    def cast_through_town(
        self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float
    ) -> list[Hit]:
        """What `cast` finds without objects and with nothing hidden; in any thread, also while pictures are drawn."""

"""What every mesh of the project is made of: parts, each with one material.

World axes here and in the server: right-handed, x forward, y left, z up, metres. (CARLA's own axes are
left-handed; only `server/world` and `capture` convert.) A model stands on its origin: base centre at
(0, 0, 0), lowest point at z = 0, front towards +x.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Surface = Literal[
    "plain",
    "asphalt",
    "lane_paint",
    "paving",
    "kerb_stone",
    "concrete",
    "plaster",
    "brick",
    "roof_tiles",
    "gravel",
    "grass",
    "soil",
    "bark",
    "foliage",
    "wood",
    "metal",
    "painted_metal",
    "glass",
    "rubber",
    "stone",
    "fabric",
    "rust",
]


@dataclass(frozen=True, slots=True)
class Material:
    """How a part looks.

    `colour` is sRGB in 0..1. `texture` (an sRGB image, row 0 at v = 1 as in OBJ) replaces `colour`.
    `surface` names a procedural, tileable texture that is tinted by `colour`; its uv are in metres.
    `opacity` below 1 is a see-through material; `emission` is a linear RGB radiance relative to a sunlit white wall.
    """

    name: str
    colour: tuple[float, float, float] = (0.6, 0.6, 0.6)
    surface: Surface = "plain"
    texture: Path | None = None
    roughness: float = 0.6
    metallic: float = 0.0
    opacity: float = 1.0
    emission: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Triangles of one material: vertices, normals [V,3] f32, faces [F,3] u32, uv [V,2] f32; no normals: flat."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.uint32]
    uv: NDArray[np.float32]
    material: Material
    normals: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check shapes and freeze the arrays."""
        count = len(self.vertices)
        if self.vertices.shape != (count, 3) or self.uv.shape != (count, 2) or self.faces.shape[1:] != (3,):
            raise ValueError(
                f"part {self.material.name}: vertices {self.vertices.shape}, uv {self.uv.shape}, "
                f"faces {self.faces.shape}; expected [V,3], [V,2], [F,3]"
            )
        if self.faces.size and int(self.faces.max()) >= count:
            raise ValueError(f"part {self.material.name}: a face refers to vertex {int(self.faces.max())} of {count}")
        for array in (self.vertices, self.faces, self.uv, self.normals):
            if array is not None:
                array.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class TaggedPart:
    """A part and the CARLA tag that its pixels get."""

    part: Part
    tag: int


@dataclass(frozen=True, slots=True, eq=False)
class StaticMesh:
    """Merged triangles of one material and one tag; `object_ids` [F] u32 names each face's town object, 0 = none."""

    part: Part
    tag: int
    object_ids: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A mesh that can be placed: its parts, and a key that is equal only for equal geometry and materials."""

    key: str
    parts: tuple[Part, ...]

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner in metres, each [3]."""
        points = [p.vertices[_used(p)] for p in self.parts if len(p.faces)]
        low = np.min([p.min(axis=0) for p in points], axis=0)
        high = np.max([p.max(axis=0) for p in points], axis=0)
        return low.astype(np.float64), high.astype(np.float64)

    def tagged(self, tag: int) -> tuple[TaggedPart, ...]:
        """The parts, all with one tag."""
        return tuple(TaggedPart(part, tag) for part in self.parts)


def _used(part: Part) -> NDArray[np.bool_]:
    """Which vertices [V] a face refers to."""
    used = np.zeros(len(part.vertices), dtype=np.bool_)
    used[part.faces] = True
    return used

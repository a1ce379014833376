"""Which faces of a scene give light, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.instances import Geometry
from hazardsim.server.render.sky import SUNLIT_WHITE
from hazardsim.server.render.textures import EMIT, OPACITY, MaterialTables


@dataclass(frozen=True, slots=True, eq=False)
class EmissiveFaces:
    """Opaque faces that give light: corners [E,3,3] f32 in the world, radiance [E,3] f32 as the path tracer sees it.

    `face` and `instance` [E] u32 number them as the hits of a ray do; `object_id` [E] u32 says whose they are, 0 =
    nobody's.
    """

    corners: NDArray[np.float32]
    radiance: NDArray[np.float32]
    face: NDArray[np.uint32]
    instance: NDArray[np.uint32]
    object_id: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def area_m2(self) -> NDArray[np.float64]:
        """Of each face [E]."""
        edges = (self.corners[:, 1:] - self.corners[:, :1]).astype(np.float64)
        return np.asarray(0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=-1))


def emissive_faces(geometry: Geometry, materials: MaterialTables) -> EmissiveFaces:
    """All of a moment; what is transparent is left out, since light that is sampled does not go through it."""
    emission = materials.numbers[:, EMIT : EMIT + 3]
    glows = (emission.max(axis=1) > 0) & (materials.numbers[:, OPACITY] >= 1)
    corners, radiance, faces, instances, owners = [], [], [], [], []
    for number, instance in enumerate(i for tree in geometry.trees for i in tree.instances):
        triangles = instance.model.triangles
        chosen = np.flatnonzero(glows[triangles.material])
        if not len(chosen):
            continue
        pose = np.asarray(instance.pose, dtype=np.float64)
        corners.append(triangles.corners[chosen] @ pose[:3, :3].T + pose[:3, 3])
        radiance.append(emission[triangles.material[chosen]] * SUNLIT_WHITE)
        faces.append(instance.model.first_face + chosen)
        instances.append(np.full(len(chosen), number))
        owners.append(np.full(len(chosen), instance.object_id) if instance.object_id else triangles.object_id[chosen])
    if not corners:
        none = np.zeros(0, dtype=np.uint32)
        return EmissiveFaces(np.zeros((0, 3, 3), np.float32), np.zeros((0, 3), np.float32), none, none, none)
    return EmissiveFaces(
        np.concatenate(corners).astype(np.float32),
        np.concatenate(radiance).astype(np.float32),
        np.concatenate(faces).astype(np.uint32),
        np.concatenate(instances).astype(np.uint32),
        np.concatenate(owners).astype(np.uint32),
    )

"""Triangles as the renderer wants them: one flat list of faces, each with its own corners, material, tag and object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.mesh.model import Part
from hazardsim.server.render.textures import MaterialLibrary


@dataclass(frozen=True, slots=True, eq=False)
class Triangles:
    """Faces that share nothing.

    corners, normals [F,3,3] f32; uv [F,3,2] f32; material, object_id [F] u32; tag [F] u8.
    """

    corners: NDArray[np.float32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    material: NDArray[np.uint32]
    tag: NDArray[np.uint8]
    object_id: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.corners)

    def kept(self, keep: NDArray[np.bool_]) -> Triangles:
        """The faces where `keep` [F] holds."""
        return Triangles(
            self.corners[keep],
            self.normals[keep],
            self.uv[keep],
            self.material[keep],
            self.tag[keep],
            self.object_id[keep],
        )


@dataclass(frozen=True, slots=True, eq=False)
class FaceFrames:
    """What shading needs of each face: geometric normal, dp/du, dp/dv (unit) [F,3] f32, uv per metre [F] f32."""

    normal: NDArray[np.float32]
    tangent: NDArray[np.float32]
    bitangent: NDArray[np.float32]
    density: NDArray[np.float32]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-20), dtype=np.float32)


def frames_of(triangles: Triangles) -> FaceFrames:
    """Normals and texture axes of each face."""
    edge1, edge2 = triangles.corners[:, 1] - triangles.corners[:, 0], triangles.corners[:, 2] - triangles.corners[:, 0]
    cross = np.cross(edge1, edge2)
    normal = _unit(cross)
    a, b = triangles.uv[:, 1] - triangles.uv[:, 0], triangles.uv[:, 2] - triangles.uv[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    mapped = np.abs(area) > 1e-12
    sign = np.where(mapped, np.sign(area), 1.0)[:, None]
    tangent = (edge1 * b[:, 1:2] - edge2 * a[:, 1:2]) * sign
    bitangent = (edge2 * a[:, 0:1] - edge1 * b[:, 0:1]) * sign
    side = np.where(np.abs(normal[:, 2:3]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    plain = np.cross(side, normal)
    tangent = np.where(mapped[:, None], tangent, plain).astype(np.float32)
    bitangent = np.where(mapped[:, None], bitangent, np.cross(normal, plain)).astype(np.float32)
    surface = np.linalg.norm(cross, axis=-1)
    density = np.sqrt(np.abs(area) / np.maximum(surface, 1e-12)).astype(np.float32)
    return FaceFrames(normal, _unit(tangent), _unit(bitangent), density)


def triangles_of_part(
    part: Part, tag: int, materials: MaterialLibrary, object_ids: NDArray[np.uint32] | None = None
) -> Triangles:
    """The faces of a part; faces without area are left out.

    Raises:
        RenderError: a coordinate is not finite, `object_ids` has another length, or the material cannot be used.
    """
    name = part.material.name
    if not np.all(np.isfinite(part.vertices)) or not np.all(np.isfinite(part.uv)):
        raise RenderError(f"part {name}: a vertex or texture coordinate is not finite; repair the mesh")
    if object_ids is not None and len(object_ids) != len(part.faces):
        raise RenderError(f"part {name}: {len(object_ids)} object ids for {len(part.faces)} faces; give one a face")
    if part.normals is not None and part.normals.shape != part.vertices.shape:
        raise RenderError(
            f"part {name}: normals {part.normals.shape} for vertices {part.vertices.shape}; give one a vertex"
        )
    corners = part.vertices[part.faces].astype(np.float32).reshape(-1, 3, 3)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = _unit(cross.astype(np.float32))
    count = len(corners)
    if part.normals is None:
        normals = np.repeat(flat[:, None, :], 3, axis=1)
    else:
        normals = part.normals[part.faces].astype(np.float32).reshape(-1, 3, 3)
        bad = ~np.isfinite(normals).all(axis=-1) | (np.abs(normals).sum(axis=-1) < 1e-6)
        normals = np.where(bad[..., None], flat[:, None, :], normals).astype(np.float32)
    ids = np.zeros(count, dtype=np.uint32) if object_ids is None else object_ids.astype(np.uint32)
    triangles = Triangles(
        corners,
        normals,
        part.uv[part.faces].astype(np.float32).reshape(-1, 3, 2),
        np.full(count, materials.index(part.material), dtype=np.uint32),
        np.full(count, tag, dtype=np.uint8),
        ids,
    )
    whole = np.linalg.norm(cross, axis=-1) > 0
    return triangles if bool(whole.all()) else triangles.kept(whole)


def joined(several: Iterable[Triangles]) -> Triangles:
    """All faces in order."""
    parts: Sequence[Triangles] = list(several)
    if not parts:
        none = np.zeros((0, 3, 3), dtype=np.float32)
        ids = np.zeros(0, dtype=np.uint32)
        return Triangles(none, none, np.zeros((0, 3, 2), dtype=np.float32), ids, np.zeros(0, dtype=np.uint8), ids)
    return Triangles(
        np.concatenate([s.corners for s in parts]),
        np.concatenate([s.normals for s in parts]),
        np.concatenate([s.uv for s in parts]),
        np.concatenate([s.material for s in parts]),
        np.concatenate([s.tag for s in parts]),
        np.concatenate([s.object_id for s in parts]),
    )

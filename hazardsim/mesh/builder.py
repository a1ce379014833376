"""Gathers solids by material and tag into the meshes of a town or the parts of a model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.model import Material, Part, StaticMesh, TaggedPart
from hazardsim.mesh.solid import Floats, Solid, joined


@dataclass(slots=True, eq=False)
class Builder:
    """Gathers solids by material and tag, in the order of first use."""

    _heap: dict[tuple[Material, int, bool], list[tuple[Solid, int]]] = field(default_factory=dict)

    def add(self, solid: Solid, material: Material, tag: int, object_id: int = 0) -> None:
        """Add triangles; `object_id` 0 belongs to no object."""
        if len(solid.faces):
            self._heap.setdefault((material, tag, solid.normals is not None), []).append((solid, object_id))

    def points_of(self, object_id: int) -> Floats:
        """All vertices [N,3] that were added last under one id."""
        found = []
        for items in self._heap.values():
            for solid, owner in reversed(items):
                if owner != object_id:
                    break
                found.append(solid.vertices)
        return np.concatenate(found)

    def _parts(self) -> list[tuple[Part, int, NDArray[np.uint32]]]:
        out = []
        for (material, tag, _), items in self._heap.items():
            whole = joined([s for s, _ in items])
            ids = np.concatenate([np.full(len(s.faces), i, dtype=np.uint32) for s, i in items])
            part = Part(
                whole.vertices.astype(np.float32),
                whole.faces.astype(np.uint32),
                whole.uv.astype(np.float32),
                material,
                None if whole.normals is None else whole.normals.astype(np.float32),
            )
            out.append((part, tag, ids))
        return out

    def meshes(self) -> tuple[StaticMesh, ...]:
        """Everything, merged: one mesh a material, tag and shading."""
        return tuple(StaticMesh(part, tag, ids) for part, tag, ids in self._parts())

    def parts(self) -> tuple[TaggedPart, ...]:
        """Everything as the parts of one model."""
        return tuple(TaggedPart(part, tag) for part, tag, _ in self._parts())

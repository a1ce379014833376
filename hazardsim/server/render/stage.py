"""The triangles of a moment on the device: one tree for the town, kept, and one for what moves, built anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hazardsim.server.render.geometry import Frames, Soup, frames_of

Scene = Any
Buffer = Any


def load_scene(soup: Soup) -> Scene:
    """A Mitsuba scene of one mesh whose primitive numbers are the soup's face numbers."""
    import mitsuba as mi

    count = len(soup)
    mesh = mi.Mesh("soup", vertex_count=3 * count, face_count=count)
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = np.ascontiguousarray(soup.corners.reshape(-1))
    parameters["faces"] = np.arange(3 * count, dtype=np.uint32)
    parameters.update()
    return mi.load_dict({"type": "scene", "mesh": mesh}, optimize=False)


@dataclass(frozen=True, slots=True, eq=False)
class FaceBuffers:
    """What the shader gathers by face number: flat device arrays (9, 6, 3, 3, 3, 1 and 1 values a face)."""

    normals: Buffer
    uv: Buffer
    normal: Buffer
    tangent: Buffer
    bitangent: Buffer
    density: Buffer
    material: Buffer

    @staticmethod
    def of(soup: Soup) -> FaceBuffers:
        """Upload a soup."""
        import mitsuba as mi

        frames: Frames = frames_of(soup)
        floats = (soup.normals, soup.uv, frames.normal, frames.tangent, frames.bitangent, frames.density)
        return FaceBuffers(
            *(mi.Float(np.ascontiguousarray(a.reshape(-1), dtype=np.float32)) for a in floats), mi.UInt32(soup.material)
        )

    def followed_by(self, other: FaceBuffers) -> FaceBuffers:
        """Both, this one's faces first."""
        import drjit as dr

        names = ("normals", "uv", "normal", "tangent", "bitangent", "density", "material")
        return FaceBuffers(*(dr.concat((getattr(self, n), getattr(other, n))) for n in names))


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Scenes to trace, each with the number of its first face, and the buffers of all faces together."""

    scenes: tuple[tuple[Scene, int], ...]
    faces: FaceBuffers

    def intersect(self, ray: Any, active: Any) -> tuple[Any, Any, Any, Any]:
        """Nearest hit of each ray: whether there is one, distance, face number, and its two barycentric weights."""
        import drjit as dr
        import mitsuba as mi

        best, face = mi.Float(dr.inf), mi.UInt32(0)
        weights = mi.Point2f(0)
        for scene, first in self.scenes:
            ray.maxt = best
            found = scene.ray_intersect_preliminary(ray, coherent=False, active=active)
            nearer = found.is_valid() & (found.t < best)
            best = dr.select(nearer, found.t, best)
            face = dr.select(nearer, found.prim_index + mi.UInt32(first), face)
            weights = dr.select(nearer, found.prim_uv, weights)
        return dr.isfinite(best) & active, best, face, weights

    def blocked(self, ray: Any, active: Any) -> Any:
        """Whether anything is in the way of each ray."""
        import mitsuba as mi

        hit = mi.Bool(False)
        for scene, _ in self.scenes:
            hit |= scene.ray_test(ray, active=active)
        return hit & active

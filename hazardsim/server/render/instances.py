"""What stands where, on the device: each model's triangles once, in a tree of its own, and instances of them.

Mitsuba only finds the hits. What a hit is made of comes from flat buffers by face number, so that tracing never
calls into a shape, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.geometry.poses import PoseMatrix
from hazardsim.server.render.arrays import Bool, Float, Native, Point2f, Ray3f, UInt32, Vector3f
from hazardsim.server.render.device_buffer import DeviceBuffer
from hazardsim.server.render.triangles import Triangles, frames_of, joined
from hazardsim.server.render.variant import native


@dataclass(frozen=True, slots=True, eq=False)
class FaceBuffers:
    """What the shader gathers by face number: flat device arrays (9, 6, 3, 3, 3, 1 and 1 values a face)."""

    normals: Float
    uv: Float
    normal: Float
    tangent: Float
    bitangent: Float
    density: Float
    material: UInt32


def _columns(triangles: Triangles) -> dict[str, NDArray[Any]]:
    """The values of each of the `FaceBuffers`, on the host: flat, f32 (`material`: u32)."""
    frames = frames_of(triangles)
    columns: dict[str, NDArray[Any]] = {
        "normals": triangles.normals,
        "uv": triangles.uv,
        "normal": frames.normal,
        "tangent": frames.tangent,
        "bitangent": frames.bitangent,
        "density": frames.density,
        "material": triangles.material,
    }
    return {name: np.ascontiguousarray(values.reshape(-1)) for name, values in columns.items()}


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model in Mitsuba: its shape group and its first face number."""

    triangles: Triangles
    group: Any
    first_face: int


def _group(triangles: Triangles) -> Native:
    """A shape group of one mesh whose primitive numbers are the face numbers."""
    _, mi = native()

    count = len(triangles)
    mesh = mi.Mesh("triangles", vertex_count=3 * count, face_count=count)
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = np.ascontiguousarray(triangles.corners.reshape(-1))
    parameters["faces"] = np.arange(3 * count, dtype=np.uint32)
    parameters.update()
    return mi.load_dict({"type": "shapegroup", "mesh": mesh}, optimize=False)


class ModelBuffers:
    """Models that stay loaded, and the buffers of all their faces; a face keeps its number as models are added."""

    def __init__(self, vectorised: bool) -> None:
        self._vectorised = vectorised
        self._count = 0
        self._waiting: list[Triangles] = []
        self._columns: dict[str, DeviceBuffer] = {}
        self._tags: list[NDArray[np.uint8]] = []
        self._object_ids: list[NDArray[np.uint32]] = []

    def add(self, triangles: Triangles) -> LoadedModel:
        """Load the faces of a model."""
        model = LoadedModel(triangles, _group(triangles) if len(triangles) else None, self._count)
        if self._vectorised:
            self._waiting.append(triangles)
        self._tags.append(triangles.tag)
        self._object_ids.append(triangles.object_id)
        self._count += len(triangles)
        return model

    def without(self, model: LoadedModel, gone: NDArray[np.bool_]) -> LoadedModel:
        """A model of ours without the faces where `gone` [F] holds.

        They shrink to points, which no ray meets, and the others keep their numbers: nothing is kept twice.
        """
        corners = model.triangles.corners.copy()
        corners[gone] = corners[gone, :1]
        left = replace(model.triangles, corners=corners)
        return LoadedModel(left, None if gone.all() else _group(left), model.first_face)

    @property
    def tag(self) -> NDArray[np.uint8]:
        """Tag of each face [F]."""
        self._tags = [np.concatenate(self._tags)] if len(self._tags) > 1 else self._tags
        return self._tags[0]

    @property
    def object_id(self) -> NDArray[np.uint32]:
        """Object that each face names itself [F], 0 = none."""
        self._object_ids = [np.concatenate(self._object_ids)] if len(self._object_ids) > 1 else self._object_ids
        return self._object_ids[0]

    @property
    def faces(self) -> FaceBuffers | None:
        """What shading needs of all faces, on the device; None where the variant does not work on arrays."""
        if self._waiting:
            for name, values in _columns(joined(self._waiting)).items():
                self._columns.setdefault(name, DeviceBuffer()).append(values)
            self._waiting = []
        return FaceBuffers(**{n: c.array for n, c in self._columns.items()}) if self._columns else None


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """A model at a pose; its faces belong to `object_id`, or with 0 to the objects that they name themselves."""

    model: LoadedModel
    pose: PoseMatrix
    object_id: int


class InstanceTree:
    """Instances in one Mitsuba scene, kept as long as they do not change."""

    def __init__(self, instances: Sequence[Instance]) -> None:
        _, mi = native()

        self.instances = tuple(p for p in instances if p.model.group is not None)
        entries: dict[str, Any] = {"type": "scene"}
        groups: dict[int, str] = {}
        shapes = []
        for number, instance in enumerate(self.instances):
            matrix = np.asarray(instance.pose, dtype=np.float64)
            if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)) or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
                raise RenderError(
                    f"object {instance.object_id}: the pose is not an invertible 4x4 matrix; correct its transform"
                )
            group = instance.model.group
            if id(group) not in groups:
                groups[id(group)] = entries_name = f"group{len(groups)}"
                entries[entries_name] = group
            shape = mi.load_dict(
                {"type": "instance", "group": group, "to_world": mi.ScalarTransform4f(matrix.tolist())}
            )
            shapes.append(shape)
            entries[f"instance{number}"] = shape
        self._shapes = shapes
        self.scene: Native = mi.load_dict(entries, optimize=False) if shapes else None

    @cached_property
    def turns_and_scales(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each instance, the turn [N,3,3] and the scale [N] that make up its pose."""
        linear = np.array([np.asarray(i.pose, dtype=np.float64)[:3, :3] for i in self.instances])
        scales = np.cbrt(np.abs(np.linalg.det(linear)))
        return linear / scales[:, None, None], scales

    @cached_property
    def registry_numbers(self) -> list[int]:
        """The numbers by which drjit knows the instances."""
        dr, mi = native()

        return [int(dr.reinterpret_array(mi.UInt32, mi.ShapePtr(s))[0]) for s in self._shapes]

    def index_of(self, shape: Native) -> int:
        """Which instance a Mitsuba shape draws."""
        return self._shapes.index(shape)


@dataclass(frozen=True, slots=True, eq=False)
class RayHits:
    """Nearest hits: whether there is one, distance, face number, instance number, two barycentric weights."""

    valid: Bool
    t: Float
    face: UInt32
    instance: UInt32
    weights: Point2f


class Geometry:
    """All instance trees of a moment together."""

    def __init__(self, trees: Sequence[InstanceTree], store: ModelBuffers, vectorised: bool) -> None:
        self.trees = tuple(c for c in trees if c.scene is not None)
        self.vectorised = vectorised
        self._store = store
        instances = [p for c in self.trees for p in c.instances]
        self.first_face = np.array([p.model.first_face for p in instances], dtype=np.uint32)
        self.object_id = np.array([p.object_id for p in instances], dtype=np.uint32)
        if vectorised and instances:
            self._upload()

    @property
    def faces(self) -> FaceBuffers | None:
        """What shading needs of the faces: uploaded when it is first asked for, since rays alone need none of it."""
        return self._store.faces

    def _upload(self) -> None:
        _, mi = native()

        turns, scales = (np.concatenate(a) for a in zip(*(t.turns_and_scales for t in self.trees), strict=True))
        numbers = [t.registry_numbers for t in self.trees]
        table = np.zeros(max(max(n) for n in numbers) + 1, dtype=np.uint32)
        for row, number in enumerate(n for tree in numbers for n in tree):
            table[number] = row
        self._rows = mi.UInt32(table)
        self._turns = mi.Float(np.ascontiguousarray(turns.reshape(-1), dtype=np.float32))
        self._shrink = mi.Float((1 / scales).astype(np.float32))
        self._first = mi.UInt32(self.first_face)

    def intersect(self, ray: Ray3f, active: Bool) -> RayHits:
        """Nearest hit of each ray."""
        dr, mi = native()

        best, primitive, number, weights = mi.Float(dr.inf), mi.UInt32(0), mi.UInt32(0), mi.Point2f(0)
        for tree in self.trees:
            ray.maxt = best
            found = tree.scene.ray_intersect_preliminary(ray, coherent=False, active=active)
            nearer = found.is_valid() & (found.t < best) & active
            best = dr.select(nearer, found.t, best)
            primitive = dr.select(nearer, found.prim_index, primitive)
            number = dr.select(nearer, dr.reinterpret_array(mi.UInt32, found.instance), number)
            weights = dr.select(nearer, found.prim_uv, weights)
        valid = dr.isfinite(best) & active
        instance = dr.gather(mi.UInt32, self._rows, number, valid)
        face = primitive + dr.gather(mi.UInt32, self._first, instance, valid)
        return RayHits(valid, best, face, instance, weights)

    def turned(self, vector: Vector3f, instance: UInt32, active: Bool) -> Vector3f:
        """A vector of a model in the world's axes, its length kept."""
        dr, mi = native()

        m = [dr.gather(mi.Float, self._turns, instance * 9 + k, active) for k in range(9)]
        x, y, z = vector.x, vector.y, vector.z
        return mi.Vector3f(*(m[3 * k] * x + m[3 * k + 1] * y + m[3 * k + 2] * z for k in range(3)))

    def shrink(self, instance: UInt32, active: Bool) -> Float:
        """Metres of the model in a metre of the world."""
        dr, mi = native()

        return dr.gather(mi.Float, self._shrink, instance, active)

    def blocked(self, ray: Ray3f, active: Bool) -> Bool:
        """Whether anything is in the way of each ray."""
        _, mi = native()

        hit = mi.Bool(False)
        for tree in self.trees:
            hit |= tree.scene.ray_test(ray, active=active)
        return hit & active

    def tags_and_ids(
        self, face: NDArray[np.uint32], instance: NDArray[np.uint32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Tag u8 and object id u32 of hits on `face` of `instance`, any equal shapes."""
        own = self._store.object_id[face]
        given = self.object_id[instance]
        return self._store.tag[face], np.where(given != 0, given, own).astype(np.uint32)

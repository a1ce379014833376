"""Where light paths meet surfaces: place, axes, material and water of each hit."""

from __future__ import annotations

from dataclasses import dataclass

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point3f, Ray3f, UInt32, Vector3f
from hazardsim.server.render.bsdf import ShadingPoint
from hazardsim.server.render.device_materials import DeviceMaterials, MaterialSample
from hazardsim.server.render.instances import FaceBuffers, Geometry, RayHits
from hazardsim.server.render.variant import native
from hazardsim.server.render.wetness import DeviceWetness, WetMaterial, wetted

_SMOOTHEST = 0.0012
_BLUR = 0.35
"""Roughness alpha of mirrors as a path sees them that left a rough surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Surfaces:
    """Everything that paths can meet: `faces` are those of the geometry's models."""

    geometry: Geometry
    faces: FaceBuffers
    materials: DeviceMaterials
    wetness: DeviceWetness


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """How wide a path is: radians it spreads, metres it has travelled, whether a rough surface blurred it."""

    spread: float
    travelled: Float
    blurred: Bool


@dataclass(frozen=True, slots=True, eq=False)
class PathVertex:
    """A hit; `solid` where the path ends on the surface and does not pass through it.

    `outside` and `behind` are the hit moved a little to the side of the viewer, and to the other one.
    """

    position: Point3f
    outside: Point3f
    behind: Point3f
    shading: ShadingPoint
    albedo: Color3f
    emission: Color3f
    passes: Bool
    solid: Bool

    def side(self, direction: Vector3f) -> Point3f:
        """Where a ray in `direction` starts."""
        dr, _ = native()

        return dr.select(dr.dot(self.shading.facing, direction) < 0, self.behind, self.outside)


@dataclass(frozen=True, slots=True, eq=False)
class _Axes:
    """Unit vectors in the world: face normal, shading normal, texture axes."""

    facing: Vector3f
    shaded: Vector3f
    tangent: Vector3f
    bitangent: Vector3f


def vertex(
    surfaces: Surfaces, ray: Ray3f, hits: RayHits, footprint: Footprint, numbers: tuple[Float, Float]
) -> PathVertex:
    """What is where `ray` meets a surface; `numbers` in 0..1 blend mip levels and choose what a path passes through."""
    dr, mi = native()

    active = hits.valid
    position = ray.o + mi.Point3f(hits.t * ray.d)
    axes = _axes(surfaces, hits)
    material = _material(surfaces, ray, hits, footprint, axes.facing, numbers[0])
    passes = active & (numbers[1] > material.opacity)
    solid = active & ~passes
    facing, normal = _towards_viewer(axes, material, ray.d)
    wet = wetted(surfaces.wetness, material, position, facing, normal, solid)
    outside = position + facing * clearance(hits.t, position)
    return PathVertex(
        position=position,
        outside=outside,
        behind=position - (outside - position),
        shading=_shading(material, wet, facing, footprint.blurred),
        albedo=dr.minimum(wet.albedo + 0.5 * wet.specular, 1),
        emission=material.emission,
        passes=passes,
        solid=solid,
    )


def clearance(length: Float, place: Point3f) -> Float:
    """Metres from a hit after a ray of `length` at `place` within which float32 cannot tell it from its surface."""
    dr, _ = native()

    return 1e-3 + 2e-5 * dr.abs(length) + 1e-6 * dr.max(dr.abs(place))


def _axes(surfaces: Surfaces, hits: RayHits) -> _Axes:
    dr, mi = native()

    faces, face, active, weights = surfaces.faces, hits.face, hits.valid, hits.weights

    def world(local: Vector3f) -> Vector3f:
        return surfaces.geometry.turned(local, hits.instance, active)

    n0, n1, n2 = (dr.gather(mi.Vector3f, faces.normals, face * 3 + k, active) for k in range(3))
    w0 = 1 - weights.x - weights.y
    return _Axes(
        facing=world(dr.gather(mi.Vector3f, faces.normal, face, active)),
        tangent=world(dr.gather(mi.Vector3f, faces.tangent, face, active)),
        bitangent=world(dr.gather(mi.Vector3f, faces.bitangent, face, active)),
        shaded=dr.normalize(world(w0 * n0 + weights.x * n1 + weights.y * n2)),
    )


def _material(
    surfaces: Surfaces, ray: Ray3f, hits: RayHits, footprint: Footprint, facing: Vector3f, dither: Float
) -> MaterialSample:
    dr, mi = native()

    faces, face, active, weights = surfaces.faces, hits.face, hits.valid, hits.weights
    t0, t1, t2 = (dr.gather(mi.Point2f, faces.uv, face * 3 + k, active) for k in range(3))
    uv = (1 - weights.x - weights.y) * t0 + weights.x * t1 + weights.y * t2
    lean = dr.maximum(dr.abs(dr.dot(facing, ray.d)), 0.08)
    pixel_m = footprint.spread * footprint.travelled * dr.rsqrt(lean) * dr.select(footprint.blurred, 6.0, 1.0)
    density = dr.gather(mi.Float, faces.density, face, active) * surfaces.geometry.shrink(hits.instance, active)
    row: UInt32 = dr.gather(mi.UInt32, faces.material, face, active)
    return surfaces.materials.at(row, uv, pixel_m * density, dither, active)


def _towards_viewer(axes: _Axes, material: MaterialSample, direction: Vector3f) -> tuple[Vector3f, Vector3f]:
    """Face normal, and shading normal with relief, on the side that the ray comes from."""
    dr, _ = native()

    bumped = dr.normalize(axes.shaded - material.slope_u * axes.tangent - material.slope_v * axes.bitangent)
    flip = dr.dot(axes.facing, direction) > 0
    facing = dr.select(flip, -axes.facing, axes.facing)
    bumped = dr.select(flip, -bumped, bumped)
    along = dr.dot(bumped, direction)
    return facing, dr.select(along < -0.02, bumped, dr.normalize(bumped - (along + 0.03) * direction))


def _shading(material: MaterialSample, wet: WetMaterial, facing: Vector3f, blurred: Bool) -> ShadingPoint:
    dr, mi = native()

    return ShadingPoint(
        facing=facing,
        normal=wet.normal,
        diffuse=wet.albedo * (1 - material.metallic),
        specular=dr.lerp(mi.Color3f(wet.specular), wet.albedo, material.metallic),
        alpha=dr.maximum(wet.roughness * wet.roughness, dr.select(blurred, _BLUR, _SMOOTHEST)),
        translucent=material.translucent,
    )

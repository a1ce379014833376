"""Radiance, albedo and normal of every pixel by path tracing in drjit arrays (LLVM or CUDA).

One kernel for every scene: geometry, materials and light come from buffers, so nothing is compiled again when the
scene changes. The sun is sampled at every hit, the sky is found by the continuing ray, and a path that left a
rough surface sees gloss blurred and light clamped, so that there are no fireflies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.bsdf import ShadingPoint, evaluate, sample
from hazardsim.server.render.instances import Geometry
from hazardsim.server.render.materials import DeviceMaterials
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.sky import HEIGHT, SUN_HALF_ANGLE, SUNLIT_WHITE, Sky
from hazardsim.server.render.variant import native
from hazardsim.server.render.wetness import DeviceWetness, wetted

Array = Any
DEPTH = 4
SAMPLES_A_PASS = 8
_CLAMP = 3.0 * SUNLIT_WHITE
_BLUR = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class RenderBuffers:
    """Linear radiance, albedo and shading normal [H,W,3] f32, share of each pixel that is not sky [H,W] f32."""

    radiance: NDArray[np.float32]
    albedo: NDArray[np.float32]
    normal: NDArray[np.float32]
    cover: NDArray[np.float32]


class DeviceSky:
    """A `Sky` on the device; `lit` tells whether the sun throws light."""

    def __init__(self, sky: Sky) -> None:
        dr, mi = native()

        self._table = mi.Texture2f(mi.TensorXf(sky.radiance), wrap_mode=dr.WrapMode.Repeat)
        self.lit = bool(sky.sun_irradiance.max() > 1e-4)
        opaque = [mi.Float(float(v)) for v in (*sky.sun, *sky.sun_irradiance, *sky.disc, *sky.below)]
        dr.make_opaque(opaque)
        self.sun = mi.Vector3f(*opaque[0:3])
        self.irradiance = mi.Color3f(*opaque[3:6])
        self._disc = mi.Color3f(*opaque[6:9])
        self._below = mi.Color3f(*opaque[9:12])

    def radiance(self, direction: Array, with_disc: Array, active: Array) -> Array:
        """Radiance from `direction`, with the sun's disc where `with_disc`."""
        dr, mi = native()

        azimuth = dr.atan2(direction.y, direction.x) / (2 * dr.pi)
        elevation = dr.safe_asin(direction.z) / (0.5 * dr.pi)
        row = dr.clip(dr.sqrt(dr.maximum(elevation, 0)), 0.5 / HEIGHT, 1 - 0.5 / HEIGHT)
        looked = self._table.eval(mi.Point2f(azimuth - dr.floor(azimuth), row), active)
        value = mi.Color3f(*looked)
        value = dr.lerp(value, self._below, dr.clip(-direction.z * 12, 0, 1))
        inside = with_disc & (dr.dot(direction, self.sun) > float(np.cos(SUN_HALF_ANGLE)))
        return value + dr.select(inside, self._disc, mi.Color3f(0))


def _shift(pixel: Array, dimension: Array) -> Array:
    _, mi = native()

    return mi.sample_tea_float32(pixel, dimension, 4)


def render_vectorised(
    pinhole: PinholeCamera,
    geometry: Geometry,
    materials: DeviceMaterials,
    sky: DeviceSky,
    wetness: DeviceWetness,
    samples: int,
    seed: int,
) -> RenderBuffers:
    """Trace `samples` paths a pixel; equal arguments give bit-equal arrays."""
    dr, mi = native()

    if not geometry.trees:
        return _empty(pinhole, sky)
    total: list[NDArray[np.float32]] = []
    done = 0
    shape = (pinhole.height, pinhole.width)
    while done < samples:
        count = min(SAMPLES_A_PASS, samples - done)
        first = mi.UInt32(done)
        salt = mi.UInt32(seed & 0xFFFFFFFF)
        dr.make_opaque(first, salt)
        values = _trace(pinhole, geometry, materials, sky, wetness, count, first, salt)
        dr.eval(values)  # all at once: a reduction of an unevaluated array would trace the paths again
        sums = [dr.block_sum(v, count) for v in values] if count > 1 else list(values)
        dr.eval(sums)
        part = [np.array(s, dtype=np.float32).reshape(shape) for s in sums]
        total = part if not total else [a + b for a, b in zip(total, part, strict=True)]
        done += count
    mean = [(t / samples).astype(np.float32) for t in total]
    return RenderBuffers(np.dstack(mean[0:3]), np.dstack(mean[3:6]), np.dstack(mean[6:9]), mean[9])


def _empty(pinhole: PinholeCamera, sky: DeviceSky) -> RenderBuffers:
    """Sky alone."""
    dr, mi = native()

    pixel = dr.arange(mi.UInt32, pinhole.width * pinhole.height)
    light = sky.radiance(pinhole.rays(pixel, mi.Float(0.5), mi.Float(0.5)).d, mi.Bool(True), mi.Bool(True))
    radiance = np.array(light, dtype=np.float32).T.reshape(pinhole.height, pinhole.width, 3)
    return RenderBuffers(
        radiance, np.ones_like(radiance), np.zeros_like(radiance), np.zeros(radiance.shape[:2], np.float32)
    )


def _trace(
    pinhole: PinholeCamera,
    geometry: Geometry,
    materials: DeviceMaterials,
    sky: DeviceSky,
    wetness: DeviceWetness,
    count: int,
    first: Array,
    salt: Array,
) -> tuple[Array, ...]:
    dr, mi = native()

    lane = dr.arange(mi.UInt32, pinhole.width * pinhole.height * count)
    pixel = lane // count
    index = mi.Float(lane - pixel * count + first)
    hashed = pixel ^ (salt * mi.UInt32(0x9E3779B1))
    # Source: Roberts 2018, the R2 sequence: rotated by a hash of pixel and dimension.
    along = index * 0.7548776662466927
    across = index * 0.5698402909980532

    def pair(dimension: Array) -> tuple[Array, Array]:
        a, b = _shift(hashed, dimension) + along, _shift(hashed, dimension + 1) + across
        return a - dr.floor(a), b - dr.floor(b)

    def single(dimension: Array) -> Array:
        a = _shift(hashed, dimension) + index * 0.6180339887498949
        return a - dr.floor(a)

    jitter = pair(mi.UInt32(0))
    ray = pinhole.rays(pixel, jitter[0], jitter[1])
    spread = pinhole.pixel_angle()

    radiance, beta = mi.Color3f(0), mi.Color3f(1)
    albedo, normal, cover = mi.Color3f(0), mi.Vector3f(0), mi.Float(0)
    travelled = mi.Float(0)
    active = mi.Bool(True)
    straight = mi.Bool(True)
    blurred = mi.Bool(False)
    bounce, step = mi.UInt32(0), mi.UInt32(0)

    state = (ray.o, ray.d, radiance, beta, albedo, normal, cover, travelled, active, straight, blurred, bounce, step)

    def go_on(*s: Array) -> Array:
        return s[8]

    def advance(o, d, radiance, beta, albedo, normal, cover, travelled, active, straight, blurred, bounce, step):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        dimension = 8 + step * 8
        hits = geometry.intersect(mi.Ray3f(o, d), active)
        hit, t, face, weights = hits.valid, hits.t, hits.face, hits.weights
        primary = bounce == 0
        missed = active & ~hit
        light = sky.radiance(d, primary & straight, missed)
        gained = dr.select(missed, beta * light, mi.Color3f(0))
        albedo = dr.select(missed & primary, mi.Color3f(1), albedo)
        active = active & hit
        # Where it is, and what is there.
        faces = geometry.faces

        def world(local: Array) -> Array:
            return geometry.turned(local, hits.instance, active)

        facing = world(dr.gather(mi.Vector3f, faces.normal, face, active))
        tangent = world(dr.gather(mi.Vector3f, faces.tangent, face, active))
        bitangent = world(dr.gather(mi.Vector3f, faces.bitangent, face, active))
        w0 = 1 - weights.x - weights.y
        n0, n1, n2 = (dr.gather(mi.Vector3f, faces.normals, face * 3 + k, active) for k in range(3))
        t0, t1, t2 = (dr.gather(mi.Point2f, faces.uv, face * 3 + k, active) for k in range(3))
        shaded = dr.normalize(world(w0 * n0 + weights.x * n1 + weights.y * n2))
        uv = w0 * t0 + weights.x * t1 + weights.y * t2
        point = o + t * d
        travelled = travelled + dr.select(active, t, 0)
        lean = dr.maximum(dr.abs(dr.dot(facing, d)), 0.08)
        pixel_m = spread * travelled * dr.rsqrt(lean) * dr.select(blurred, 6.0, 1.0)
        density = dr.gather(mi.Float, faces.density, face, active) * geometry.shrink(hits.instance, active)
        row = dr.gather(mi.UInt32, faces.material, face, active)
        material = materials.at(row, uv, pixel_m * density, single(dimension), active)
        passes = active & (single(dimension + 1) > material.opacity)
        solid = active & ~passes
        # Normals: relief, then towards the viewer.
        bumped = dr.normalize(shaded - material.slope_u * tangent - material.slope_v * bitangent)
        flip = dr.dot(facing, d) > 0
        facing = dr.select(flip, -facing, facing)
        shaded = dr.select(flip, -shaded, shaded)
        bumped = dr.select(flip, -bumped, bumped)
        bumped = dr.select(dr.dot(bumped, d) < -0.02, bumped, dr.normalize(bumped - (dr.dot(bumped, d) + 0.03) * d))
        wet = wetted(wetness, material, point, facing, bumped, solid)
        shading = ShadingPoint(
            facing=facing,
            normal=wet.normal,
            diffuse=wet.albedo * (1 - material.metallic),
            specular=dr.lerp(mi.Color3f(wet.specular), wet.albedo, material.metallic),
            alpha=dr.maximum(wet.roughness * wet.roughness, dr.select(blurred, _BLUR, 0.0012)),
            translucent=material.translucent,
        )
        back = -d
        gained += dr.select(solid, beta * material.emission * SUNLIT_WHITE, mi.Color3f(0))
        first_solid = solid & primary
        albedo = dr.select(first_solid, dr.minimum(wet.albedo + 0.5 * wet.specular, 1), albedo)
        normal = dr.select(first_solid, mi.Vector3f(wet.normal), normal)
        cover = dr.select(first_solid, 1.0, cover)
        start = point + facing * (1e-3 + 2e-5 * dr.abs(t) + 1e-6 * dr.max(dr.abs(point)))
        if sky.lit:
            sx, sy = pair(dimension + 2)
            toward = mi.Frame3f(sky.sun).to_world(
                mi.warp.square_to_uniform_cone(mi.Point2f(sx, sy), mi.Float(float(np.cos(SUN_HALF_ANGLE))))
            )
            lit = evaluate(shading, back, toward) * sky.irradiance
            below = dr.dot(facing, toward) < 0
            origin = dr.select(below, point - (start - point), start)
            worth = solid & (dr.max(lit) > 1e-6)
            lit &= ~geometry.blocked(mi.Ray3f(origin, toward), worth) & worth
            gained += beta * lit
        strongest = dr.max(gained)
        gained *= dr.select(blurred & (strongest > _CLAMP), _CLAMP / dr.maximum(strongest, 1e-6), 1)
        radiance = radiance + gained
        bx, by = pair(dimension + 5)
        onward, weight, glossy = sample(shading, back, single(dimension + 7), bx, by)
        beyond = dr.dot(onward, facing) < 0
        moved = dr.select(beyond, point - (start - point), start)
        o = dr.select(passes, point + d * (1e-3 + 2e-5 * t), dr.select(solid, moved, o))
        d = dr.select(solid, onward, d)
        beta = dr.select(solid, beta * weight, beta)
        rough = shading.alpha > 0.06
        blurred = blurred | (solid & (~glossy | rough))
        straight = straight & ~solid
        bounce = bounce + dr.select(solid, mi.UInt32(1), mi.UInt32(0))
        step = step + 1
        active = active & (bounce < DEPTH) & (step < DEPTH + 4) & (dr.max(beta) > 1e-3)
        return o, d, radiance, beta, albedo, normal, cover, travelled, active, straight, blurred, bounce, step

    state = dr.while_loop(state, go_on, advance, label="paths")
    radiance, albedo, normal, cover = state[2], state[4], state[5], state[6]
    return (
        radiance.x,
        radiance.y,
        radiance.z,
        albedo.x,
        albedo.y,
        albedo.z,
        normal.x,
        normal.y,
        normal.z,
        cover,
    )

"""Radiance, albedo and normal of every pixel by path tracing in drjit arrays (LLVM or CUDA).

One kernel for every scene: geometry, materials and light come from buffers, so nothing is compiled again when the
scene changes. Lights are sampled at every hit or found by the continuing ray, as each one says; surfaces that are both
count by how likely either was (Veach 1997, 9.2, the balance heuristic). A path that left a rough surface sees gloss
blurred and light clamped, so that there are no fireflies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from hazardsim.server.render.arrays import Bool, Color3f, Float, Image, Native, Point3f, Ray3f, UInt32, Vector3f
from hazardsim.server.render.bsdf import chance_of, evaluate, sample
from hazardsim.server.render.lights.light import Light, LightSample, PathSegment, SurfaceHit
from hazardsim.server.render.path_numbers import PathNumbers
from hazardsim.server.render.path_vertex import Footprint, PathVertex, Surfaces, clearance, vertex
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.sky import SUNLIT_WHITE
from hazardsim.server.render.variant import native

DEPTH: Final = 4
_TRANSPARENT: Final = 4
"""Surfaces that a path may pass through besides those that scatter it."""
SAMPLES_A_PASS: Final = 8
_CLAMP: Final = 3.0 * SUNLIT_WHITE
_ROUGH: Final = 0.06
# Numbers that a path needs at each step: 0 and 1 for the vertex, 2 to 4 for a light, 5 to 7 to go on.
_STEP_DIMENSIONS: Final = 8
_LIGHT_DIMENSIONS: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class RenderBuffers:
    """Linear radiance, albedo and shading normal [H,W,3] f32, share of each pixel that is not sky [H,W] f32."""

    radiance: Image
    albedo: Image
    normal: Image
    cover: Image


class PathState(NamedTuple):
    """What each path carries from one surface to the next.

    `breadth` is steradians over the chance of having chosen its direction, 0 where no light could have been sampled
    along it: from the camera, and through what is transparent.
    """

    origin: Point3f
    direction: Vector3f
    radiance: Color3f
    throughput: Color3f
    albedo: Color3f
    normal: Vector3f
    cover: Float
    travelled: Float
    active: Bool
    straight: Bool
    blurred: Bool
    breadth: Float
    bounce: UInt32
    step: UInt32


def render_vectorised(
    pinhole: PinholeCamera, surfaces: Surfaces | None, lights: Sequence[Light], samples: int, seed: int
) -> RenderBuffers:
    """Trace `samples` paths a pixel, through nothing but light where there are no surfaces.

    Equal arguments give bit-equal arrays.
    """
    dr, mi = native()

    if surfaces is None:
        return _empty(pinhole, lights)
    total: list[Image] = []
    done = 0
    shape = (pinhole.height, pinhole.width)
    while done < samples:
        count = min(SAMPLES_A_PASS, samples - done)
        first = mi.UInt32(done)
        salt = mi.UInt32(seed & 0xFFFFFFFF)
        dr.make_opaque(first, salt)
        end = _trace(pinhole, surfaces, lights, count, first, salt)
        values = [*end.radiance, *end.albedo, *end.normal, end.cover]
        dr.eval(values)  # all at once: a reduction of an unevaluated array would trace the paths again
        sums = [dr.block_sum(v, count) for v in values] if count > 1 else values
        dr.eval(sums)
        part = [np.array(s, dtype=np.float32).reshape(shape) for s in sums]
        total = part if not total else [a + b for a, b in zip(total, part, strict=True)]
        done += count
    mean = [(t / samples).astype(np.float32) for t in total]
    return RenderBuffers(np.dstack(mean[0:3]), np.dstack(mean[3:6]), np.dstack(mean[6:9]), mean[9])


def _empty(pinhole: PinholeCamera, lights: Sequence[Light]) -> RenderBuffers:
    """Lights alone."""
    dr, mi = native()

    pixel = dr.arange(mi.UInt32, pinhole.width * pinhole.height)
    everywhere = mi.Bool(True)
    ray = pinhole.rays(pixel, mi.Float(0.5), mi.Float(0.5))
    light = _found(lights, PathSegment(ray, mi.Float(dr.inf), everywhere, everywhere, everywhere))
    radiance = np.array(light, dtype=np.float32).T.reshape(pinhole.height, pinhole.width, 3)
    none = np.zeros(radiance.shape[:2], np.float32)
    return RenderBuffers(radiance, np.ones_like(radiance), np.zeros_like(radiance), none)


def _trace(
    pinhole: PinholeCamera, surfaces: Surfaces, lights: Sequence[Light], count: int, first: UInt32, salt: UInt32
) -> PathState:
    """Paths number `first` to `first + count` of every pixel, followed to their ends."""
    dr, mi = native()

    lane = dr.arange(mi.UInt32, pinhole.width * pinhole.height * count)
    pixel = lane // count
    numbers = PathNumbers(pixel, mi.Float(lane - pixel * count + first), salt)
    jitter = numbers.pair(mi.UInt32(0))
    ray = pinhole.rays(pixel, jitter.x, jitter.y)
    start = PathState(
        origin=ray.o,
        direction=ray.d,
        radiance=mi.Color3f(0),
        throughput=mi.Color3f(1),
        albedo=mi.Color3f(0),
        normal=mi.Vector3f(0),
        cover=mi.Float(0),
        travelled=mi.Float(0),
        active=mi.Bool(True),
        straight=mi.Bool(True),
        blurred=mi.Bool(False),
        breadth=mi.Float(0),
        bounce=mi.UInt32(0),
        step=mi.UInt32(0),
    )

    def goes_on(*state: Native) -> Bool:
        return PathState(*state).active

    def advance(*state: Native) -> tuple[Native, ...]:
        return tuple(_advance(PathState(*state), surfaces, lights, numbers, pinhole.pixel_angle()))

    return PathState(*dr.while_loop(tuple(start), goes_on, advance, label="paths"))


def _advance(
    state: PathState, surfaces: Surfaces, lights: Sequence[Light], numbers: PathNumbers, spread: float
) -> PathState:
    """Follow every path to its next surface, take the light there, and choose where it goes on."""
    dr, mi = native()

    dimension = _STEP_DIMENSIONS * (state.step + 1)
    ray = mi.Ray3f(state.origin, state.direction)
    hits = surfaces.geometry.intersect(ray, state.active)
    primary = state.bounce == 0
    missed = state.active & ~hits.valid
    length = dr.select(hits.valid, hits.t, dr.inf)
    segment = PathSegment(ray, length, state.active, missed, primary & state.straight)
    travelled = state.travelled + dr.select(hits.valid, hits.t, 0)
    width = Footprint(spread, travelled, state.blurred)
    at = vertex(surfaces, ray, hits, width, (numbers.single(dimension), numbers.single(dimension + 1)))
    gained = state.throughput * _found(lights, segment)
    given = state.throughput * at.emission * SUNLIT_WHITE
    lean = dr.abs(dr.dot(at.shading.facing, ray.d))
    chance = _surface_chance(lights, SurfaceHit(segment, hits.face, hits.instance, lean, at.emission * SUNLIT_WHITE))
    if chance is not None:
        given = given / (1 + state.breadth * chance)
    gained += dr.select(at.solid, given, mi.Color3f(0))
    is_last = (state.bounce + 1 >= DEPTH) | (state.step + 1 >= DEPTH + _TRANSPARENT)
    gained += state.throughput * _sampled(lights, surfaces, at, -ray.d, is_last, numbers, dimension)
    strongest = dr.max(gained)
    gained *= dr.select(state.blurred & (strongest > _CLAMP), _CLAMP / dr.maximum(strongest, 1e-6), 1)
    first_solid = at.solid & primary
    albedo = dr.select(missed & primary, mi.Color3f(1), state.albedo)
    seen = state._replace(
        radiance=state.radiance + gained,
        albedo=dr.select(first_solid, at.albedo, albedo),
        normal=dr.select(first_solid, at.shading.normal, state.normal),
        cover=dr.select(first_solid, 1.0, state.cover),
        travelled=travelled,
        active=hits.valid,
    )
    return _scattered(seen, at, hits.t, chance is not None, numbers, dimension)


def _found(lights: Sequence[Light], segment: PathSegment) -> Color3f:
    """Radiance of all lights that paths meet on a segment."""
    _, mi = native()

    total = mi.Color3f(0)
    for light in lights:
        total += light.found(segment)
    return total


def _surface_chance(lights: Sequence[Light], hit: SurfaceHit) -> Float | None:
    """Chance per steradian with which any light samples the end of a segment, None if none samples surfaces."""
    chances = [c for c in (light.surface_chance(hit) for light in lights) if c is not None]
    return sum(chances[1:], chances[0]) if chances else None


def _sampled(
    lights: Sequence[Light],
    surfaces: Surfaces,
    at: PathVertex,
    back: Vector3f,
    is_last: Bool,
    numbers: PathNumbers,
    dimension: UInt32,
) -> Color3f:
    """Light thrown to `back` from all lights that are sampled, each through a shadow ray.

    Where a path `is_last` at its surface, it cannot find the light by going on.
    """
    dr, mi = native()

    total = mi.Color3f(0)
    own = dimension
    for light in lights:
        toward = light.sample(at.position, numbers.single(own + 4), numbers.pair(own + 2))
        if toward is None:
            continue
        own = own + _LIGHT_DIMENSIONS
        value = evaluate(at.shading, back, toward.direction) * toward.weight
        if toward.chance is not None:
            other = dr.select(is_last, 0, chance_of(at.shading, back, toward.direction))
            value *= toward.chance / dr.maximum(toward.chance + other, 1e-12)
        worth = at.solid & (dr.max(value) > 1e-6)
        shadow = _shadow_ray(at, toward)
        total += dr.select(worth & ~surfaces.geometry.blocked(shadow, worth), value, mi.Color3f(0))
    return total


def _shadow_ray(at: PathVertex, toward: LightSample) -> Ray3f:
    """From the surface to the light, or to just short of where it stands."""
    dr, mi = native()

    start = at.side(toward.direction)
    if toward.distance is None:
        return mi.Ray3f(start, toward.direction)
    end = at.position + mi.Point3f(toward.direction * toward.distance)
    length = dr.norm(end - start)
    shadow = mi.Ray3f(start, (end - start) / dr.maximum(length, 1e-6))
    shadow.maxt = length - clearance(length, end)
    return shadow


def _scattered(
    state: PathState,
    at: PathVertex,
    length: Float,
    weighs: bool,
    numbers: PathNumbers,
    dimension: UInt32,
) -> PathState:
    """Every path on its way from its surface: thrown back, or through what is transparent.

    `breadth` is worked out only if the path tracer `weighs` by it.
    """
    dr, mi = native()

    place = numbers.pair(dimension + 5)
    onward, weight, glossy = sample(at.shading, -state.direction, numbers.single(dimension + 7), place.x, place.y)
    through = at.position + mi.Point3f(state.direction * (1e-3 + 2e-5 * length))
    throughput = dr.select(at.solid, state.throughput * weight, state.throughput)
    bounce = state.bounce + dr.select(at.solid, mi.UInt32(1), mi.UInt32(0))
    step = state.step + 1
    breadth = state.breadth
    if weighs:
        chosen = 1 / dr.maximum(chance_of(at.shading, -state.direction, onward), 1e-12)
        breadth = dr.select(at.solid, chosen, 0)
    goes_on = (bounce < DEPTH) & (step < DEPTH + _TRANSPARENT) & (dr.max(throughput) > 1e-3)
    return state._replace(
        origin=dr.select(at.passes, through, dr.select(at.solid, at.side(onward), state.origin)),
        direction=dr.select(at.solid, onward, state.direction),
        throughput=throughput,
        active=state.active & goes_on,
        straight=state.straight & ~at.solid,
        blurred=state.blurred | (at.solid & (~glossy | (at.shading.alpha > _ROUGH))),
        breadth=breadth,
        bounce=bounce,
        step=step,
    )

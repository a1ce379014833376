"""What the path tracer asks of a light, and what a light is made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point2f, Point3f, Ray3f, UInt32, Vector3f
from hazardsim.server.render.emissive_faces import EmissiveFaces
from hazardsim.server.render.sky import Sky
from hazardsim.server.renderables import SceneObject, Town


@dataclass(frozen=True, eq=False)
class LightScene:
    """What lights are made from: the sky, the town and the actors of a moment.

    `hidden` are the ids of town objects that are not there; `town` is None until one is loaded.
    """

    sky: Sky
    town: Town | None
    objects: Sequence[SceneObject]
    hidden: frozenset[int]
    find_emissive: Callable[[], EmissiveFaces]

    @cached_property
    def emissive(self) -> EmissiveFaces:
        """Every opaque face that gives light, where it stands; worked out when it is first asked for."""
        return self.find_emissive()


@dataclass(frozen=True, slots=True, eq=False)
class LightSample:
    """A direction from a point to a light, unit length, in the world.

    `weight` is the radiance that arrives along it over the chance per steradian of having chosen it (Veach 1997, 2.4).
    `distance` is metres to the light, None where it is outside the scene; the shadow ray stops just short of it.
    `chance` is that chance per steradian where the light is a surface of the scene, which paths can meet as well; None
    where it is not.
    """

    direction: Vector3f
    weight: Color3f
    distance: Float | None = None
    chance: Float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PathSegment:
    """One straight piece of every path: its ray and where it ends.

    `length` is metres to the nearest surface; `escaped` holds for the rays that meet none, `active` for those and the
    ones that do; `straight` for what a camera sees directly or through something transparent.
    """

    ray: Ray3f
    length: Float
    active: Bool
    escaped: Bool
    straight: Bool


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceHit:
    """Where a segment meets a surface: which face of which instance (numbers as in `EmissiveFaces`).

    `cosine` is that of the angle between ray and face normal, 0 to 1; `radiance` what the surface gives off itself.
    """

    segment: PathSegment
    face: UInt32
    instance: UInt32
    cosine: Float
    radiance: Color3f


class Light(Protocol):
    """A source of light, or many of a kind (then `sample` picks one of them).

    All light is counted once. What is outside the scene or in its air is sampled, and gives nothing in `found` but
    where the segment is straight; or it is found by the paths that happen to meet it. What surfaces give off is found
    by the path tracer itself; a light that samples such surfaces says so in `surface_chance`, and each of the two ways
    then counts by how likely it was (multiple importance sampling). No surface is sampled by two lights.
    """

    def sample(self, position: Point3f, pick: Float, place: Point2f) -> LightSample | None:
        """A direction to the light from `position`, or None for a light that is not sampled.

        `pick` and `place` are random numbers in 0..1.
        """

    def found(self, segment: PathSegment) -> Color3f:
        """Radiance of the light along each segment, zero where it does not meet the light."""

    def surface_chance(self, hit: SurfaceHit) -> Float | None:
        """Chance per steradian with which `sample` at the segment's start chooses where it ends.

        Zero for surfaces that it does not sample; None for a light that samples no surfaces.
        """

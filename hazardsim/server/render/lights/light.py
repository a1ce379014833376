"""What the path tracer asks of a light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point2f, Point3f, Ray3f, Vector3f


@dataclass(frozen=True, slots=True, eq=False)
class LightSample:
    """A direction from a point to a light, unit length, in the world.

    `weight` is the radiance that arrives along it over the chance per steradian of having chosen it (Veach 1997, 2.4);
    `distance` is metres to the light, None where it is outside the scene.
    """

    direction: Vector3f
    weight: Color3f
    distance: Float | None = None


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


class Light(Protocol):
    """A source of light, or many of a kind (then `sample` picks one of them).

    Every light is counted once: one that is sampled lights each hit through a shadow ray, and gives nothing in `found`
    but where the segment is straight; one that is not is found by the paths that happen to meet it.
    """

    def sample(self, position: Point3f, pick: Float, place: Point2f) -> LightSample | None:
        """A direction to the light from `position`, or None for a light that is not sampled.

        `pick` and `place` are random numbers in 0..1.
        """

    def found(self, segment: PathSegment) -> Color3f:
        """Radiance of the light along each segment, zero where it does not meet the light."""

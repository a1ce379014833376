"""Light of the sun: sampled at every hit, seen as a disc by the camera."""

from __future__ import annotations

from typing import Final

import numpy as np

from hazardsim.server.render.arrays import Color3f, Float, Point2f, Point3f
from hazardsim.server.render.lights.light import LightSample, LightScene, PathSegment, SurfaceHit
from hazardsim.server.render.sky import SUN_HALF_ANGLE
from hazardsim.server.render.variant import native

_COSINE: Final = float(np.cos(SUN_HALF_ANGLE))
_DARK: Final = 1e-4
"""Irradiance below which the sun throws no light that anybody sees, and no shadow ray is worth its time."""


class SunLight:
    """The sun of a `Sky`: a cone of even radiance."""

    def __init__(self, scene: LightScene) -> None:
        dr, mi = native()

        sky = scene.sky
        self._shines = bool(sky.sun_irradiance.max() > _DARK)
        numbers = [mi.Float(float(v)) for v in (*sky.sun, *sky.sun_irradiance, *sky.disc)]
        dr.make_opaque(numbers)
        self._direction = mi.Vector3f(*numbers[0:3])
        self._irradiance = mi.Color3f(*numbers[3:6])
        self._disc = mi.Color3f(*numbers[6:9])

    def sample(self, position: Point3f, pick: Float, place: Point2f) -> LightSample | None:  # noqa: ARG002
        """A direction to the disc, all equally likely."""
        _, mi = native()

        if not self._shines:
            return None
        local = mi.warp.square_to_uniform_cone(place, mi.Float(_COSINE))
        return LightSample(mi.Frame3f(self._direction).to_world(local), self._irradiance)

    def found(self, segment: PathSegment) -> Color3f:
        """The disc, where a camera sees it."""
        dr, mi = native()

        seen = segment.escaped & segment.straight & (dr.dot(segment.ray.d, self._direction) > _COSINE)
        return dr.select(seen, self._disc, mi.Color3f(0))

    def surface_chance(self, hit: SurfaceHit) -> Float | None:  # noqa: ARG002
        """None: it is no surface."""
        return None

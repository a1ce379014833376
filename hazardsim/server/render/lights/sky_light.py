"""Light of the sky, found by every path that leaves the scene."""

from __future__ import annotations

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point2f, Point3f, Vector3f
from hazardsim.server.render.lights.light import LightSample, PathSegment
from hazardsim.server.render.sky import HEIGHT, Sky
from hazardsim.server.render.variant import native


class SkyLight:
    """The picture of a `Sky` on the device, without its sun."""

    def __init__(self, sky: Sky) -> None:
        dr, mi = native()

        self._table = mi.Texture2f(mi.TensorXf(sky.radiance), wrap_mode=dr.WrapMode.Repeat)
        below = [mi.Float(float(v)) for v in sky.below]
        dr.make_opaque(below)
        self._below = mi.Color3f(*below)

    def sample(self, position: Point3f, pick: Float, place: Point2f) -> LightSample | None:  # noqa: ARG002
        """None: a sky is met by so many paths that they find it as well."""
        return None

    def found(self, segment: PathSegment) -> Color3f:
        """The sky where the path leaves the scene."""
        return self._radiance(segment.ray.d, segment.escaped)

    def _radiance(self, direction: Vector3f, active: Bool) -> Color3f:
        dr, mi = native()

        azimuth = dr.atan2(direction.y, direction.x) / (2 * dr.pi)
        elevation = dr.safe_asin(direction.z) / (0.5 * dr.pi)
        row = dr.clip(dr.sqrt(dr.maximum(elevation, 0)), 0.5 / HEIGHT, 1 - 0.5 / HEIGHT)
        looked = self._table.eval(mi.Point2f(azimuth - dr.floor(azimuth), row), active)
        value = dr.lerp(mi.Color3f(*looked), self._below, dr.clip(-direction.z * 12, 0, 1))
        return dr.select(active, value, mi.Color3f(0))

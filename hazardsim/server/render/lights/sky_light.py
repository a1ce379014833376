"""Light of the sky, found by every path that leaves the scene."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.arrays import Bool, Color3f, Float, Point2f, Point3f, Vector3f
from hazardsim.server.render.lights.light import LightSample, LightScene, PathSegment, SurfaceHit
from hazardsim.server.render.sky import HEIGHT, SUN_HALF_ANGLE, WIDTH, Sky
from hazardsim.server.render.variant import native


class SkyLight:
    """The picture of a `Sky` on the device, without its sun."""

    def __init__(self, scene: LightScene) -> None:
        dr, mi = native()

        sky = scene.sky
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

    def surface_chance(self, hit: SurfaceHit) -> Float | None:  # noqa: ARG002
        """None: it is no surface."""
        return None

    def _radiance(self, direction: Vector3f, active: Bool) -> Color3f:
        dr, mi = native()

        azimuth = dr.atan2(direction.y, direction.x) / (2 * dr.pi)
        elevation = dr.safe_asin(direction.z) / (0.5 * dr.pi)
        row = dr.clip(dr.sqrt(dr.maximum(elevation, 0)), 0.5 / HEIGHT, 1 - 0.5 / HEIGHT)
        looked = self._table.eval(mi.Point2f(azimuth - dr.floor(azimuth), row), active)
        value = dr.lerp(mi.Color3f(*looked), self._below, dr.clip(-direction.z * 12, 0, 1))
        return dr.select(active, value, mi.Color3f(0))


def sky_emitter(scene: LightScene) -> dict[str, dict[str, Any]]:
    """The sky with the sun's disc as Mitsuba's `envmap`."""
    _, mi = native()

    turned = mi.ScalarTransform4f().rotate([1, 0, 0], 90)
    return {"sky": {"type": "envmap", "bitmap": mi.Bitmap(equirect(scene.sky)), "to_world": turned}}


def equirect(sky: Sky) -> NDArray[np.float32]:
    """The sky with the sun's disc as Mitsuba's `envmap` wants it [1024,2048,3], z up after a quarter turn about x."""
    rows, columns = 1024, 2048
    theta = (np.arange(rows) + 0.5)[:, None] / rows * np.pi
    phi = (np.arange(columns) + 0.5)[None, :] / columns * 2 * np.pi
    directions = np.stack([np.sin(theta) * np.sin(phi), np.sin(theta) * np.cos(phi), np.cos(theta) + 0 * phi], axis=-1)
    azimuth = np.arctan2(directions[..., 1], directions[..., 0]) / (2 * np.pi) % 1
    elevation = np.maximum(np.arcsin(np.clip(directions[..., 2], -1, 1)), 0) / (0.5 * np.pi)
    u = (azimuth * WIDTH - 0.5).astype(np.float32)
    v = (np.sqrt(elevation) * HEIGHT - 0.5).astype(np.float32)
    looked = cv2.remap(sky.radiance, u, np.clip(v, 0, HEIGHT - 1), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    under = np.clip(-directions[..., 2:] * 12, 0, 1)
    looked = looked * (1 - under) + sky.below * under
    disc = directions @ sky.sun > np.cos(SUN_HALF_ANGLE)
    return np.asarray(looked + disc[..., None] * sky.disc, dtype=np.float32)

"""A camera's geometry: along +x, left +y, up +z, square pixels, principal point in the middle of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.server.render.arrays import Float, Ray3f, UInt32
from hazardsim.server.render.variant import native
from hazardsim.server.renderables import Camera


@dataclass(frozen=True, slots=True)
class PinholeCamera:
    """What cameras must share to share their rays; `pose` holds the 16 numbers of the camera matrix, row by row."""

    width: int
    height: int
    fov_deg: float
    pose: tuple[float, ...]

    @staticmethod
    def of(camera: Camera) -> PinholeCamera:
        """The view of a camera.

        Raises:
            RenderError: size, field of view or pose cannot be used.
        """
        size = f"{camera.width}x{camera.height}"
        if not 1 <= camera.width <= 16384 or not 1 <= camera.height <= 16384:
            raise RenderError(f"{camera.render_pass}: size {size} is outside 1..16384; choose another image_size")
        if not 0.1 <= camera.fov_deg < 179.0:
            raise RenderError(
                f"{camera.render_pass}: fov {camera.fov_deg} is outside 0.1..179 degrees; choose another fov"
            )
        pose = np.asarray(camera.pose, dtype=np.float64)
        if pose.shape != (4, 4) or not np.all(np.isfinite(pose)):
            raise RenderError(f"{camera.render_pass}: the pose is not a finite 4x4 matrix; correct the transform")
        return PinholeCamera(camera.width, camera.height, float(camera.fov_deg), tuple(pose.reshape(-1).tolist()))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Camera to world [4,4]."""
        return np.array(self.pose).reshape(4, 4)

    @property
    def focal_px(self) -> float:
        """Source: pinhole camera, f = W / (2 tan(fov / 2))."""
        return self.width / (2 * float(np.tan(np.radians(self.fov_deg) / 2)))

    def pixel_angle(self) -> float:
        """Angle of a pixel in the middle of the picture, in radians."""
        return 1.0 / self.focal_px

    def directions(self) -> NDArray[np.float64]:
        """Unit directions in the world [H,W,3] through the pixel centres."""
        across, down = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        y = (self.width / 2 - across) / self.focal_px
        z = (self.height / 2 - down) / self.focal_px
        local = np.stack([np.ones_like(y), y, z], axis=-1)
        local /= np.linalg.norm(local, axis=-1, keepdims=True)
        return local @ self.matrix[:3, :3].T

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixel coordinates and depth [N,3] of world points [N,3]; a pixel's centre is at its index + 0.5."""
        local = (points - self.matrix[:3, 3]) @ np.linalg.inv(self.matrix[:3, :3]).T
        x = local[:, 0]
        u = self.width / 2 - self.focal_px * local[:, 1] / x
        v = self.height / 2 - self.focal_px * local[:, 2] / x
        return np.stack([u, v, x], axis=1)

    def rays(self, pixel: UInt32, jitter_x: Float, jitter_y: Float) -> Ray3f:
        """Mitsuba rays through pixels (row-major numbers) at `jitter` 0..1 from their upper left corner."""
        dr, mi = native()

        numbers = [mi.Float(v) for v in (*self.pose[:12], self.focal_px, self.width / 2, self.height / 2)]
        width = mi.UInt32(self.width)
        dr.make_opaque(numbers, width)
        m, focal, centre_x, centre_y = numbers[:12], numbers[12], numbers[13], numbers[14]
        row = pixel // width
        column = pixel - row * width
        y = (centre_x - (mi.Float(column) + jitter_x)) / focal
        z = (centre_y - (mi.Float(row) + jitter_y)) / focal
        local = dr.normalize(mi.Vector3f(1, y, z))
        x, y, z = local.x, local.y, local.z
        direction = mi.Vector3f(*(m[4 * k] * x + m[4 * k + 1] * y + m[4 * k + 2] * z for k in range(3)))
        return mi.Ray3f(mi.Point3f(m[3], m[7], m[11]), dr.normalize(direction))

"""Putting things into a view so that they stand on the ground, meet nothing, and are seen whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hazardsim.geometry.boxes import Box, BoxField, box_on_ground
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.roads import LanePoint
from hazardsim.scenario.scene import SceneCamera
from hazardsim.scenario.surroundings import Surroundings
from hazardsim.taxonomy import TAG

ROAD = frozenset({TAG["Roads"], TAG["RoadLines"]})
ROADSIDE = frozenset({TAG["Sidewalks"], TAG["Terrain"], TAG["Ground"]})

_FLAT_M = 0.06  # more difference than this under one footprint, and the thing would stand half on a kerb
_LIFT_M = 0.02  # boxes are tested this far above the ground, so that the ground itself is never in the way
_LOOK_FROM_M = 2.0  # the ground is looked for from so far above it: from the sky, a bridge or a tree would be it


def project(camera: SceneCamera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixel coordinates and depth [N,3] (u right, v down, metres) of world points [N,3].

    Source: CARLA's pinhole camera, fx = fy = W / (2 tan(fov / 2)), principal point in the middle.
    """
    to_camera = np.linalg.inv(camera.pose.matrix())
    forward, left, up = (np.c_[points, np.ones(len(points))] @ to_camera.T)[:, :3].T
    focal = camera.width_px / (2 * np.tan(np.radians(camera.fov_deg) / 2))
    depth = np.where(np.abs(forward) < 1e-6, 1e-6, forward)
    u = camera.width_px / 2 - focal * left / depth
    v = camera.height_px / 2 - focal * up / depth
    return np.stack([u, v, forward], axis=1)


def seen_whole(camera: SceneCamera, box: Box, margin_px: float = 2.0) -> float:
    """Area in pixels of the box's outline on the picture, 0 where any corner is outside of it."""
    u, v, depth = project(camera, box.corners()).T
    inside = (u >= margin_px) & (u <= camera.width_px - margin_px) & (v >= margin_px)
    inside &= (v <= camera.height_px - margin_px) & (depth > 0.3)
    return float(np.ptp(u) * np.ptp(v)) if inside.all() else 0.0


class FreeSpace:
    """The room that is left in a scene while it is being filled, and the rules for what may be added."""

    def __init__(self, surroundings: Surroundings, camera: SceneCamera, ego: Pose) -> None:
        self.surroundings = surroundings
        self.camera = camera
        reach = 120.0
        near = [b for b in surroundings.obstacles if np.hypot(b.centre_m[0] - ego.x_m, b.centre_m[1] - ego.y_m) < reach]
        self._still = BoxField(tuple(near))
        self._added: list[Box] = [box_on_ground(ego, (5.0, 2.0, 1.6))]
        self._moving = BoxField(())
        self._watched: list[NDArray[np.float64]] = []
        self._eye = np.array([camera.pose.x_m, camera.pose.y_m, camera.pose.z_m])

    def on_ground(self, pose: Pose, size_m: tuple[float, float, float], on: frozenset[int]) -> Pose | None:
        """The pose lowered or raised to the ground, or None where the ground is uneven or not one of `on`."""
        footprint = box_on_ground(pose, size_m).footprint()
        heights = []
        for x, y in footprint:
            below = self.surroundings.ground(float(x), float(y), pose.z_m + _LOOK_FROM_M)
            if below is None or below.tag not in on:
                return None
            heights.append(below.z_m)
        if max(heights) - min(heights) > _FLAT_M:
            return None
        return replace(pose, z_m=round(max(heights), 4))

    def fits(self, pose: Pose, size_m: tuple[float, float, float], margin_m: float) -> bool:
        """Whether a thing of this size, with this much room around it, meets nothing."""
        box = box_on_ground(replace(pose, z_m=pose.z_m + _LIFT_M), size_m)
        roomy = Box(box.centre_m, (box.half_m[0] + margin_m, box.half_m[1] + margin_m, box.half_m[2]), box.yaw_deg)
        return not self._still.meets(roomy) and not BoxField(tuple(self._added)).meets(roomy)

    def occupy(self, pose: Pose, size_m: tuple[float, float, float], watched: bool = False) -> None:
        """Take the room; what comes later must not hide a thing that is `watched`."""
        box = box_on_ground(pose, size_m)
        self._added.append(box)
        self._moving = BoxField(tuple(self._added[1:]))
        if watched:
            self._watched.append(_points_of(box))

    def in_sight(self, pose: Pose, size_m: tuple[float, float, float]) -> bool:
        """Whether nine points of the thing's box are all seen from the camera past every other box."""
        points = _points_of(box_on_ground(pose, size_m))
        return not bool((self._still.blocks(self._eye, points) | self._moving.blocks(self._eye, points)).any())

    def hides_watched(self, pose: Pose, size_m: tuple[float, float, float]) -> bool:
        """Whether the thing would stand before any of the nine points of a watched one."""
        newcomer = BoxField((box_on_ground(pose, size_m),))
        return any(bool(newcomer.blocks(self._eye, points).any()) for points in self._watched)


def _points_of(box: Box) -> NDArray[np.float64]:
    """The middle of a box and its corners drawn in by a tenth, [9,3]."""
    centre = np.array(box.centre_m)
    return np.vstack([centre[None], centre + (box.corners() - centre) * 0.9])


def beside(point: LanePoint, right_m: float, yaw_deg: float) -> Pose:
    """A pose `right_m` to the right of a lane point, turned to `yaw_deg`."""
    heading = np.radians(point.pose.yaw_deg)
    x = point.pose.x_m + np.sin(heading) * right_m
    y = point.pose.y_m - np.cos(heading) * right_m
    return Pose(round(float(x), 4), round(float(y), 4), round(point.pose.z_m, 4), round(yaw_deg % 360.0, 3))

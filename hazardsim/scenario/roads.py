"""The road network as placement sees it: poses on driving lanes, from OpenDRIVE through carla's offline map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import TownError
from hazardsim.geometry.axes import pose_from_carla
from hazardsim.geometry.poses import Pose


@dataclass(frozen=True, slots=True)
class LanePoint:
    """A pose in the middle of a driving lane, facing along it; `edge_m` is the way right to the road's edge."""

    pose: Pose
    width_m: float
    edge_m: float
    road_id: int
    lane_id: int


class Roads:
    """Points along all driving lanes of a town, every `step_m` metres, outside junctions, in a fixed order.

    Raises:
        TownError: the OpenDRIVE text has no driving lane.
    """

    def __init__(self, town: str, opendrive: str, step_m: float = 3.0) -> None:
        import carla

        try:
            waypoints = carla.Map(town, opendrive).generate_waypoints(step_m)
        except RuntimeError as error:
            raise TownError(f"town {town}: the OpenDRIVE map cannot be read: {error}") from error
        points = [_lane_point(w) for w in waypoints if not w.is_junction]
        if not points:
            raise TownError(f"town {town}: the OpenDRIVE map has no driving lane outside junctions")
        self.points = tuple(sorted(points, key=lambda p: (p.road_id, p.lane_id, p.pose.x_m, p.pose.y_m)))
        self._places = np.array([(p.pose.x_m, p.pose.y_m) for p in self.points])

    def ahead(self, pose: Pose, low_m: float, high_m: float, half_angle_deg: float) -> NDArray[np.int64]:
        """Indices of the points between two distances and within an angle of the pose's direction."""
        offset = self._places - np.array([pose.x_m, pose.y_m])
        distance = np.linalg.norm(offset, axis=1)
        facing = np.array([np.cos(np.radians(pose.yaw_deg)), np.sin(np.radians(pose.yaw_deg))])
        inside = offset @ facing >= distance * np.cos(np.radians(half_angle_deg))
        return np.flatnonzero((distance >= low_m) & (distance <= high_m) & inside).astype(np.int64)


def _lane_point(waypoint) -> LanePoint:  # type: ignore[no-untyped-def]  # noqa: ANN001  carla has no types
    import carla

    place, turn = waypoint.transform.location, waypoint.transform.rotation
    pose = pose_from_carla((place.x, place.y, place.z), (turn.pitch, turn.yaw, turn.roll))
    edge, lane = waypoint.lane_width / 2, waypoint.get_right_lane()
    while lane is not None and lane.lane_type in {carla.LaneType.Driving, carla.LaneType.Parking}:
        if lane.lane_id * waypoint.lane_id < 0:
            break
        edge += lane.lane_width
        lane = lane.get_right_lane()
    return LanePoint(pose, waypoint.lane_width, edge, waypoint.road_id, waypoint.lane_id)

"""The one place where CARLA's left-handed axes meet the right-handed ones of this project.

CARLA: x forward, y right, z up; pitch positive nose up, yaw clockwise seen from above. Ours: x forward, y left, z up;
pitch positive nose down, yaw counter-clockwise. Metres and degrees in both. With S = diag(1, -1, 1, 1), the matrix M of
`carla.Transform.get_matrix()` is S M S in our axes.
"""

from __future__ import annotations

from hazardsim.geometry.poses import Pose

Triple = tuple[float, float, float]


def mirrored(x: float, y: float, z: float) -> Triple:
    """A point or a direction in the other axes, both ways."""
    return x, -y, z


def pose_from_carla(location: Triple, rotation: Triple) -> Pose:
    """Pose of a CARLA location (x, y, z) and rotation (pitch, yaw, roll).

    >>> pose_from_carla((10.0, 4.0, 0.5), (0.0, 90.0, 0.0))  # turned to its right
    Pose(x_m=10.0, y_m=-4.0, z_m=0.5, yaw_deg=-90.0, pitch_deg=-0.0, roll_deg=0.0)
    """
    pitch, yaw, roll = rotation
    return Pose(*mirrored(*location), -yaw, -pitch, roll)


def carla_from_pose(pose: Pose) -> tuple[Triple, Triple]:
    """CARLA location (x, y, z) and rotation (pitch, yaw, roll) of a pose."""
    return mirrored(pose.x_m, pose.y_m, pose.z_m), (-pose.pitch_deg, -pose.yaw_deg, pose.roll_deg)

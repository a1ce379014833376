"""What the client can ask a server about a town: obstacles, ground, blueprints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hazardsim.capture.session import Session
from hazardsim.errors import ServerLostError
from hazardsim.geometry.axes import pose_from_carla
from hazardsim.geometry.boxes import Box
from hazardsim.scenario.roads import Roads
from hazardsim.scenario.surroundings import GroundPoint, Surroundings
from hazardsim.taxonomy import TAG

_SOLID = (
    "Buildings", "Walls", "Fences", "Poles", "TrafficLight", "TrafficSigns", "Vegetation", "Pedestrians", "Rider",
    "Car", "Truck", "Bus", "Motorcycle", "Bicycle", "Static", "Dynamic", "Other", "GuardRail",
)  # fmt: skip
_TREE_HEIGHT_M = 3.0
_TRUNK_HALF_M = 0.35
_SEARCH_M = 8.0


def explore(session: Session, broke_off: Callable[[], None] = lambda: None) -> Surroundings:
    """Ask the server for everything that sampling needs to know about the loaded town.

    Args:
        session: open.
        broke_off: called before a later question for the ground raises `ServerLostError`.
    """
    world = session.world
    roads = Roads(session.town, world.get_map().to_opendrive())

    def ground(x_m: float, y_m: float, z_m: float) -> GroundPoint | None:
        import carla

        try:
            hit = world.ground_projection(carla.Location(x_m, -y_m, z_m), _SEARCH_M)
        except RuntimeError as error:
            broke_off()
            raise ServerLostError(f"the server stopped answering: {error}") from error
        return None if hit is None else GroundPoint(float(hit.location.z), int(hit.label))

    return Surroundings(session.town, roads, _obstacles(session), ground, session.blueprint_names)


def _obstacles(session: Session) -> tuple[Box, ...]:
    """Boxes of what stands in the town; of a tree only the trunk, since one may stand under its crown."""
    import carla

    boxes = []
    for name in _SOLID:
        for found in session.world.get_level_bbs(getattr(carla.CityObjectLabel, name)):
            place, turn = found.location, found.rotation
            pose = pose_from_carla((place.x, place.y, place.z), (turn.pitch, turn.yaw, turn.roll))
            half = (found.extent.x, found.extent.y, found.extent.z)
            if TAG[name] == TAG["Vegetation"] and 2 * half[2] > _TREE_HEIGHT_M:
                half = (_TRUNK_HALF_M, _TRUNK_HALF_M, half[2])
            if np.isfinite(half).all():
                boxes.append(Box((pose.x_m, pose.y_m, pose.z_m), half, pose.yaw_deg))
    return tuple(sorted(boxes, key=lambda b: (b.centre_m, b.half_m)))

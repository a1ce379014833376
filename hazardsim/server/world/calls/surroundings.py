"""Calls about what stands in the town: rays, boxes, objects of the map, lamps."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.protocol.codec import U8, U64, Wire
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.protocol.structs import BoundingBox, EnvironmentObject, LabelledPoint, LightState, Vector3D
from hazardsim.server.renderables import Hit, TownObject
from hazardsim.server.world.simulation import Simulation
from hazardsim.server.world.transforms import location_from_point, point_from_location, transform_from_pose, world_box

_log = logging.getLogger(__name__)

ANY_LABEL: Final = 255
NO_TEXTURE_TARGET: Final = "unable to find Actor to apply the texture"


class SurroundingsCalls:
    """Bound to one simulation, whose render queue casts the rays."""

    def __init__(self, simulation: Simulation) -> None:
        self._world = simulation.world
        self._render_queue = simulation.render_queue

    def project_point(self, location: Vector3D, direction: Vector3D, distance: float) -> tuple[bool, LabelledPoint]:
        """The first surface along a direction."""
        points = self._cast(point_from_location(location), point_from_location(direction), distance)
        return (True, points[0]) if points else (False, LabelledPoint())

    def cast_ray(self, start: Vector3D, end: Vector3D) -> tuple[LabelledPoint, ...]:
        """Every surface between two points, nearest first."""
        origin = point_from_location(start)
        way = point_from_location(end) - origin
        return tuple(self._cast(origin, way, float(np.linalg.norm(way))))

    def _cast(self, origin: NDArray[np.float64], direction: NDArray[np.float64], reach_m: float) -> list[LabelledPoint]:
        length = float(np.linalg.norm(direction))
        if length == 0.0 or reach_m <= 0.0:
            return []
        unit = direction / length
        with self._world.lock:
            visible = self._world.visible()
        return [_point(origin, unit, hit) for hit in self._render_queue.cast(origin, unit, reach_m, visible)]

    def get_all_level_BBs(self, label: U8) -> tuple[BoundingBox, ...]:  # noqa: N802 - CARLA's name
        """World boxes of the town's objects of one tag."""
        return tuple(_box(thing) for thing in self._objects(label))

    def get_environment_objects(self, label: U8) -> tuple[EnvironmentObject, ...]:
        """The town's objects of one tag, their boxes in world axes."""
        return tuple(
            EnvironmentObject(transform_from_pose(thing.pose), _box(thing), thing.id, thing.name, thing.tag)
            for thing in self._objects(label)
        )

    def _objects(self, label: int) -> list[TownObject]:
        with self._world.lock:
            return [thing for thing in self._world.town.objects if label in (ANY_LABEL, thing.tag)]

    def enable_environment_objects(self, ids: tuple[U64, ...], enabled: bool) -> None:
        """Show or hide objects of the town; unknown ones are passed over."""
        with self._world.lock:
            known = {thing.id for thing in self._world.town.objects} & set(ids)
            if enabled:
                self._world.hidden -= known
            else:
                self._world.hidden |= known

    def get_names_of_all_objects(self) -> tuple[str, ...]:
        """Names of the town's objects."""
        return tuple(thing.name for thing in self._world.town.objects)

    def apply_color_texture_to_objects(self, names: tuple[str, ...], material: U8, texture: Wire) -> None:
        """Paint objects: not on this server."""
        self._refuse_texture(names, material, texture)

    def apply_float_color_texture_to_objects(self, names: tuple[str, ...], material: U8, texture: Wire) -> None:
        """Paint objects: not on this server."""
        self._refuse_texture(names, material, texture)

    def _refuse_texture(self, names: tuple[str, ...], material: int, texture: object) -> None:
        del material, texture
        known = {thing.name for thing in self._world.town.objects}
        if not known & set(names):
            raise CallError(NO_TEXTURE_TARGET)
        raise CallError("textures of the town cannot be changed on this server")

    def query_lights_state(self, client: str) -> tuple[LightState, ...]:
        """Lamps that a client may switch: none, the town's own follow the sun."""
        _log.debug("%s asks for lights", client)
        return ()

    def update_lights_state(self, client: str, lights: tuple[LightState, ...], discard: bool) -> None:
        """Switch lamps: there are none to switch."""
        _log.debug("%s switches %d lights, without effect (%s)", client, len(lights), discard)

    def update_day_night_cycle(self, client: str, active: bool) -> None:
        """Lamps follow the sun whatever is said here."""
        _log.debug("%s sets the day and night cycle to %s, without effect", client, active)

    def set_annotations_traverse_translucency(self, enabled: bool) -> None:
        """Glass is always labelled as what a ray meets first, the real server's default."""
        if enabled:
            _log.warning("labels never look through glass here: set_annotations_traverse_translucency is passed over")

    def draw_debug_shape(self, shape: Wire) -> None:
        """Drawn nowhere: cameras show no debug shapes."""
        _log.debug("a debug shape is passed over: %s", type(shape).__name__)

    def start_recorder(self, name: str, additional_data: bool = False) -> str:
        """Record the simulation: not on this server."""
        del additional_data
        raise CallError(f"this server records nothing: {name[:80]!r} was not started")

    def stop_recorder(self) -> None:
        """Nothing is being recorded."""


def _point(origin: NDArray[np.float64], unit: NDArray[np.float64], hit: Hit) -> LabelledPoint:
    return LabelledPoint(location_from_point(origin + unit * hit.distance_m), hit.tag)


def _box(thing: TownObject) -> BoundingBox:
    return world_box(thing.pose, np.array(thing.centre_m), np.array(thing.extent_m))

"""Putting a scene's vehicles, pedestrians and anomalies into the world, and taking them out again."""

from __future__ import annotations

import logging
from typing import Any

from hazardsim.capture.rig import transform_of
from hazardsim.capture.session import ROLE, Session
from hazardsim.errors import PlacementError, ServerLostError, SimulatorError
from hazardsim.scenario.scene import PlacedActor, PlacedAnomaly, Scene
from hazardsim.taxonomy import ANOMALY_FOLDER

LOG = logging.getLogger(__name__)

PACKAGE = "hazardsim"


def mesh_path(asset_id: str) -> str:
    """The Unreal asset path of an anomaly; its fourth folder decides the semantic tag. Source: CARLA's Tagger."""
    return f"/Game/{PACKAGE}/Static/{ANOMALY_FOLDER}/{asset_id}/{asset_id}.{asset_id}"


class SceneActors:
    """The actors of one scene, in the scene's order: first vehicles and pedestrians, then anomalies."""

    def __init__(self, session: Session, scene: Scene) -> None:
        self._session = session
        self.ids: list[int] = []
        library = session.world.get_blueprint_library()
        try:
            for actor in scene.actors:
                self.ids.append(self._place_actor(library, actor))
            for anomaly in scene.anomalies:
                self.ids.append(self._place_anomaly(library, anomaly))
        except SimulatorError:
            self.destroy()
            raise

    def destroy(self) -> None:
        """Destroy the actors."""
        import carla

        try:
            self._session.client.apply_batch_sync([carla.command.DestroyActor(i) for i in self.ids], False)
        except RuntimeError as error:  # the next session clears what is left; what went wrong before this matters more
            LOG.warning("a scene's actors could not be removed: %s", error)
        self.ids = []

    def _place_actor(self, library: Any, actor: PlacedActor) -> int:  # noqa: ANN401
        blueprint = self._blueprint(library, actor.blueprint)
        if actor.colour is not None and blueprint.has_attribute("color"):
            blueprint.set_attribute("color", ",".join(str(v) for v in actor.colour))
        made = self._spawn(blueprint, actor)
        made.set_simulate_physics(False)
        self._lower(made, actor)
        return int(made.id)

    def _place_anomaly(self, library: Any, anomaly: PlacedAnomaly) -> int:  # noqa: ANN401
        blueprint = self._blueprint(library, "static.prop.mesh")
        blueprint.set_attribute("mesh_path", mesh_path(anomaly.asset_id))
        blueprint.set_attribute("scale", f"{anomaly.scale:g}")
        made = self._spawn(blueprint, anomaly)
        extent = made.bounding_box.extent
        if max(extent.x, extent.y, extent.z) <= 0.0:
            made.destroy()
            raise SimulatorError(
                f"the server has no mesh {mesh_path(anomaly.asset_id)}; import the anomaly package into it first"
            )
        return int(made.id)

    def _spawn(self, blueprint: Any, thing: PlacedActor | PlacedAnomaly) -> Any:  # noqa: ANN401
        try:
            return self._session.world.spawn_actor(blueprint, transform_of(thing.pose))
        except RuntimeError as error:
            what = f"{blueprint.id} at ({thing.pose.x_m}, {thing.pose.y_m}): {error}"
            if "collision" in str(error):
                raise PlacementError(what) from error
            if "Spawn failed" in str(error):
                raise SimulatorError(what) from error
            raise ServerLostError(what) from error

    def _lower(self, made: Any, actor: PlacedActor) -> None:  # noqa: ANN401
        """Stand the body on the ground: a CARLA walker's origin is in its middle, not at its feet."""
        box = made.bounding_box
        below = box.extent.z - box.location.z
        if abs(below) > 1e-3:
            transform = transform_of(actor.pose)
            transform.location.z += below
            made.set_transform(transform)

    @staticmethod
    def _blueprint(library: Any, name: str) -> Any:  # noqa: ANN401
        try:
            blueprint = library.find(name)
        except IndexError:
            raise SimulatorError(f"the server has no blueprint {name}") from None
        blueprint.set_attribute("role_name", ROLE)
        return blueprint

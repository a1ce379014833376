"""Putting a scene's vehicles, pedestrians and anomalies into the world, and taking them out again."""

from __future__ import annotations

import logging
from typing import Any

from hazardsim.capture.rig import transform_of
from hazardsim.capture.session import Session
from hazardsim.errors import PlacementError, ServerLostError, SimulatorError
from hazardsim.scenario.scene import PlacedActor, PlacedAnomaly, Scene
from hazardsim.taxonomy import ANOMALY_FOLDER

LOG = logging.getLogger(__name__)

PACKAGE = "hazardsim"
_NO_ACTOR = 0
"""The id of an actor that is not there yet: the server puts in the one that it has just spawned."""


def mesh_path(asset_id: str) -> str:
    """The Unreal asset path of an anomaly; its fourth folder decides the semantic tag. Source: CARLA's Tagger."""
    return f"/Game/{PACKAGE}/Static/{ANOMALY_FOLDER}/{asset_id}/{asset_id}.{asset_id}"


class SceneActors:
    """The actors of one scene, in the scene's order: first vehicles and pedestrians, then anomalies.

    All are spawned by one batch, since each call waits for an answer.
    """

    def __init__(self, session: Session, scene: Scene) -> None:
        self._session = session
        self.ids: list[int] = []
        things: tuple[PlacedActor | PlacedAnomaly, ...] = (*scene.actors, *scene.anomalies)
        blueprints = [self._blueprint(thing) for thing in things]
        try:
            self._spawn(things, blueprints)
            self._stand(things)
        except SimulatorError:
            self.destroy()
            raise

    def destroy(self) -> None:
        """Destroy the actors."""
        import carla

        gone, self.ids = self.ids, []
        if not gone:
            return
        try:
            self._session.client.apply_batch_sync([carla.command.DestroyActor(i) for i in gone], False)
        except RuntimeError as error:  # the next session clears what is left; what went wrong before this matters more
            LOG.warning("a scene's actors could not be removed: %s", error)

    def _blueprint(self, thing: PlacedActor | PlacedAnomaly) -> Any:  # noqa: ANN401
        if isinstance(thing, PlacedActor):
            blueprint = self._session.blueprint(thing.blueprint)
            if thing.colour is not None and blueprint.has_attribute("color"):
                blueprint.set_attribute("color", ",".join(str(v) for v in thing.colour))
            return blueprint
        blueprint = self._session.blueprint("static.prop.mesh")
        blueprint.set_attribute("mesh_path", mesh_path(thing.asset_id))
        blueprint.set_attribute("scale", f"{thing.scale:g}")
        return blueprint

    def _spawn(self, things: tuple[PlacedActor | PlacedAnomaly, ...], blueprints: list[Any]) -> None:
        """Spawn everything; `ids` are those of the things that the server took.

        Raises:
            PlacementError: something stands there already.
            SimulatorError: the server refuses the first of the things that it did not take.
            ServerLostError: it does not answer.
        """
        import carla

        commands = []
        for thing, blueprint in zip(things, blueprints, strict=True):
            command = carla.command.SpawnActor(blueprint, transform_of(thing.pose))
            if isinstance(thing, PlacedActor):
                command = command.then(carla.command.SetSimulatePhysics(_NO_ACTOR, False))
            commands.append(command)
        try:
            answers = self._session.client.apply_batch_sync(commands, False)
        except RuntimeError as error:
            raise ServerLostError(f"the server stopped answering while actors were spawned: {error}") from error
        self.ids = [int(answer.actor_id) for answer in answers if not answer.has_error()]
        for thing, blueprint, answer in zip(things, blueprints, answers, strict=True):
            if answer.has_error():
                kind = PlacementError if "collision" in answer.error else SimulatorError
                raise kind(f"{blueprint.id} at ({thing.pose.x_m}, {thing.pose.y_m}): {answer.error}")

    def _stand(self, things: tuple[PlacedActor | PlacedAnomaly, ...]) -> None:
        """Stand bodies on the ground: a CARLA walker's origin is in its middle, not at its feet.

        Raises:
            SimulatorError: an anomaly has no body.
            ServerLostError: the server does not answer.
        """
        import carla

        moves = []
        try:
            made = {actor.id: actor for actor in self._session.world.get_actors(self.ids)}
            for actor_id, thing in zip(self.ids, things, strict=True):
                box = made[actor_id].bounding_box
                if isinstance(thing, PlacedAnomaly):
                    if max(box.extent.x, box.extent.y, box.extent.z) <= 0.0:
                        raise SimulatorError(
                            f"the server has no mesh {mesh_path(thing.asset_id)}; import the anomaly package into it "
                            "first"
                        )
                    continue
                below = box.extent.z - box.location.z
                if abs(below) > 1e-3:
                    transform = transform_of(thing.pose)
                    transform.location.z += below
                    moves.append(carla.command.ApplyTransform(actor_id, transform))
            if moves:
                self._session.client.apply_batch_sync(moves, False)
        except (RuntimeError, KeyError) as error:
            raise ServerLostError(f"the server lost actors that it had just spawned: {error}") from error

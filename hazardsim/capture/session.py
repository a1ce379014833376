"""One connection to a CARLA server, in synchronous mode while it is open, restored when it closes."""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any

from hazardsim.errors import ConfigError, ServerLostError, SimulatorError

LOG = logging.getLogger(__name__)

ROLE = "hazardsim"
"""Every actor of ours carries this `role_name`."""
STEP_S = 0.05
LOAD_TIMEOUT_S = 120.0
CALL_TIMEOUT_S = 30.0
FRAME_TIMEOUT_S = 300.0


def connect(host: str, port: int, patience_s: float = 10.0) -> Any:  # noqa: ANN401  carla has no types
    """A client whose version equals the server's.

    Raises:
        SimulatorError: nobody answers, or the versions differ (the client would abort on the first sensor message).
    """
    import carla

    client = carla.Client(host, port)
    deadline = time.monotonic() + patience_s
    client.set_timeout(min(2.0, patience_s))
    while True:
        try:
            theirs = client.get_server_version()
            break
        except RuntimeError:
            if time.monotonic() > deadline:
                raise SimulatorError(
                    f"no CARLA server answers at {host}:{port}; start one there, or leave --server out to use ours"
                ) from None
    ours = client.get_client_version()
    if ours != theirs:
        raise SimulatorError(
            f"the server at {host}:{port} is CARLA {theirs}, the client is {ours}; install carla=={theirs} or run "
            f"CARLA {ours}"
        )
    client.set_timeout(CALL_TIMEOUT_S)
    return client


class Session:
    """A client, its world and the settings to put back.

    Raises:
        SimulatorError: nobody answers, the versions differ, or the server breaks off while it loads the town.
        ConfigError: the server does not have the town.
    """

    def __init__(self, host: str, port: int, town: str) -> None:
        self.client = connect(host, port)
        self.town = town
        self.version: str = self.client.get_server_version()
        self.client_version: str = self.client.get_client_version()
        try:
            self.client.set_timeout(LOAD_TIMEOUT_S)
            self.world = self._load(town)
            self._before = self.world.get_settings()
            self._library = self.world.get_blueprint_library()
            self.client.set_timeout(CALL_TIMEOUT_S)
        except RuntimeError as error:
            raise SimulatorError(f"the server at {host}:{port} broke off while loading {town}: {error}") from error

    def __enter__(self) -> Session:
        """Switch to synchronous mode with a fixed step."""
        settings = self.world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = STEP_S
        settings.substepping = True
        settings.max_substep_delta_time = 0.01
        settings.max_substeps = 10
        self.world.apply_settings(settings)
        self._clear_leftovers()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the settings back as they were found."""
        try:
            self.world.apply_settings(self._before)
        except RuntimeError as failure:
            LOG.warning("could not restore the server's settings: %s", failure)

    def tick(self) -> int:
        """Advance by one step; the number of the frame.

        Raises:
            ServerLostError: the server does not answer any more.
        """
        try:
            return int(self.world.tick(FRAME_TIMEOUT_S))
        except RuntimeError as error:
            raise ServerLostError(f"the server stopped answering: {error}") from error

    @property
    def blueprint_names(self) -> frozenset[str]:
        """Everything that the server can spawn."""
        return frozenset(blueprint.id for blueprint in self._library)

    def blueprint(self, name: str) -> Any:  # noqa: ANN401
        """A `carla.ActorBlueprint` of our role, to be changed at will: it is a copy.

        Raises:
            SimulatorError: the server has none of this name.
        """
        try:
            blueprint = self._library.find(name)
        except IndexError:
            raise SimulatorError(f"the server has no blueprint {name}") from None
        blueprint.set_attribute("role_name", ROLE)
        return blueprint

    def _clear_leftovers(self) -> None:
        """Destroy what an earlier, killed client of ours left behind, and do not take its settings for the server's."""
        import carla

        self.tick()
        old = [a.id for a in self.world.get_actors() if a.attributes.get("role_name") == ROLE]
        if not old:
            return
        LOG.warning("removing %d actors that an earlier run left on the server", len(old))
        self.client.apply_batch_sync([carla.command.DestroyActor(i) for i in old], False)
        self.tick()
        self._before.synchronous_mode = False
        self._before.fixed_delta_seconds = None

    def _load(self, town: str) -> Any:  # noqa: ANN401
        wanted = town.rsplit("/", 1)[-1]
        world = self.client.get_world()
        current = world.get_map().name.rsplit("/", 1)[-1]
        if current == wanted:
            return world
        available = sorted({name.rsplit("/", 1)[-1] for name in self.client.get_available_maps()})
        if wanted not in available:
            raise ConfigError(f"the server has no map {wanted}; it has: {', '.join(available)}")
        return self.client.load_world(wanted)

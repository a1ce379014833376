"""One task carried through: a server and a worker as child processes, started again when they die half-way."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hazardsim.dataset.journal import Journal
from hazardsim.errors import HazardsimError, ServerLostError, SimulatorError
from hazardsim.files import read_record
from hazardsim.jobs.job import SERVER_LOST, WORK_REFUSED, Simulator, Task, WorkOrder
from hazardsim.processes import Child

LOG = logging.getLogger(__name__)

_START_TIMEOUT_S = 180.0
_MOST_FAILURES = 3
_POLL_S = 0.05
_DONE = 0

Stopped = Callable[[], bool]
"""Whether the work is to be given up."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that a worker can use; `child` is its process where it is ours."""

    host: str
    port: int
    drawn_by: str
    child: Child | None = None

    @property
    def lost(self) -> bool:
        """Whether it was ours and has ended."""
        return self.child is not None and self.child.code is not None


def supervise(task: Task, stopped: Stopped = lambda: False) -> None:
    """Have a worker process do the task; returns when all of it is on disk, or soon after `stopped` says so.

    A worker that dies is started again, and so is a server that died or stopped answering.

    Raises:
        HazardsimError: the server does not start, the worker says that it cannot be done, or it died several times
            without a new frame between.
    """
    failures = 0
    with ExitStack() as held:
        server: Running | None = None
        while not stopped():
            before = _progress(task)
            try:
                if server is None:
                    server = held.enter_context(_server(task.simulator, stopped))
                code, words = _work(WorkOrder(task, server.host, server.port, server.drawn_by), server, stopped)
            except ServerLostError as error:
                code, words = SERVER_LOST, str(error)
            if code == _DONE or stopped():
                return
            if code == WORK_REFUSED:
                raise HazardsimError(words)
            failures = 0 if _progress(task) > before else failures + 1
            name = f"worker {task.shard.number}/{task.shard.count}"
            if failures >= _MOST_FAILURES:
                raise SimulatorError(
                    f"{name} broke off {failures} times without a new frame (exit code {code}; {words}); what is on "
                    "disk is whole, the same command goes on from there"
                )
            LOG.warning("%s broke off (exit code %d; %s); starting again from the last whole frame", name, code, words)
            if code == SERVER_LOST or failures or (server is not None and server.lost):
                held.close()
                server = None


@contextmanager
def embedded_server(town: str, flags: tuple[str, ...] = (), stopped: Stopped = lambda: False) -> Iterator[Running]:
    """An embedded server on a free loopback port, stopped on leaving.

    Raises:
        ServerLostError: somebody killed it before it listened.
        HazardsimError: it ends or says nothing before it listens; its own words are passed on.
    """
    with tempfile.TemporaryDirectory(prefix="hazardsim-") as folder:
        ready = Path(folder, "ready")
        command = ["-m", "hazardsim.cli", "serve", "--town", town, "--port", "0", *flags]
        with Child([*command, "--ready-file", str(ready), "--parent-pid", str(os.getpid())]) as child:
            facts = _wait_until_ready(child, ready, stopped)
            yield Running("127.0.0.1", int(facts["port"]), str(facts["renderer"]), child)


@contextmanager
def _server(simulator: Simulator, stopped: Stopped) -> Iterator[Running]:
    """The user's server, or an embedded one of our own."""
    if simulator.host is not None:
        yield Running(simulator.host, simulator.port, "a server of the user's")
    else:
        with embedded_server(simulator.town, simulator.flags, stopped) as server:
            yield server


def _wait_until_ready(child: Child, ready: Path, stopped: Stopped) -> dict[str, Any]:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and not stopped():
        if ready.exists():
            return read_record(ready)
        if child.code is not None and child.code < 0:
            raise ServerLostError(f"the embedded server was ended by signal {-child.code} before it listened")
        if child.code is not None:
            raise HazardsimError(child.last_words() or f"the embedded server ended with code {child.code}")
        time.sleep(_POLL_S)
    raise SimulatorError(f"the embedded server was not ready within {_START_TIMEOUT_S:.0f} s: {child.last_words()}")


def _work(order: WorkOrder, server: Running, stopped: Stopped) -> tuple[int, str]:
    """Exit code and last words of a worker, which is ended when its server, if that is ours, ends before it."""
    message = TypeAdapter(WorkOrder).dump_json(order)
    with Child(["-m", "hazardsim.jobs.worker", str(os.getpid())], message) as worker:
        while worker.code is None and not stopped():
            if server.lost:
                return SERVER_LOST, "the embedded server ended"
            time.sleep(_POLL_S)
        worker.stop()
        code = SERVER_LOST if worker.code is None or (server.lost and worker.code != _DONE) else worker.code
        return code, worker.last_words()


def _progress(task: Task) -> int:
    """How many frames and left-out scenes of the task are recorded."""
    return sum(Journal(Path(task.out), task.job.split).counts(task.shard.numbers(task.job.frames)))

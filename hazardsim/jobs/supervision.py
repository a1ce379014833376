"""The embedded server and the capture process as children, started again when they die half-way.

The carla client aborts its process on damaged data and can hang (carla.md 3.4), so it never runs in the parent; what
counts is the files on disk and the exit code.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from hazardsim.catalogue.library import load_catalogue
from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.writer import compare_recipe, is_whole
from hazardsim.errors import HazardsimError, SimulatorError
from hazardsim.jobs.job import RenderJob, recipe_of

LOG = logging.getLogger(__name__)

_START_TIMEOUT_S = 180.0
_MOST_FAILURES = 3
_POLL_S = 0.05
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running embedded server: its port, how it draws, and its process."""

    port: int
    renderer: str
    process: subprocess.Popen[bytes]


def render(job: RenderJob, server: tuple[str, int] | None, town: str, flags: tuple[str, ...]) -> int:
    """Render the job against `server`, or against an embedded one that lives as long as the job; the exit code.

    The embedded one starts with `town` (a name or a file) and gets `flags`.

    Raises:
        HazardsimError: the server does not start, or capture died several times without a new frame between.
    """
    root = Path(job.out)
    recipe = recipe_of(job, load_catalogue().digest)
    compare_recipe(root, job.split, recipe, ignore=frozenset({"drawn_by"}))  # known once a server runs
    if is_whole(root, job.split):
        return 0
    failures = 0
    while True:
        before = _progress(job)
        if server is not None:
            code = _capture(replace(job, host=server[0], port=server[1], drawn_by="a server of the user's"), None)
        else:
            with embedded_server(town, flags) as own:
                code = _capture(replace(job, port=own.port, drawn_by=own.renderer), own.process)
        if code in {0, 1}:
            return code
        failures = 0 if _progress(job) > before else failures + 1
        if failures >= _MOST_FAILURES:
            raise SimulatorError(
                f"capture broke off {failures} times without a new frame (last exit code {code}); what is on disk is "
                "whole, the same command goes on from there"
            )
        LOG.warning("capture broke off (exit code %d); starting again from the last whole frame", code)


@contextmanager
def embedded_server(town: str, flags: tuple[str, ...] = ()) -> Iterator[Embedded]:
    """An embedded server on a free loopback port, stopped on leaving.

    Raises:
        HazardsimError: it ends or says nothing before it listens; its own words are passed on.
    """
    with tempfile.TemporaryDirectory(prefix="hazardsim-") as folder:
        ready, log = Path(folder, "ready"), Path(folder, "log")
        command = [sys.executable, "-m", "hazardsim.cli", "serve", "--town", town, "--port", "0", *flags]
        command += ["--ready-file", str(ready), "--parent-pid", str(os.getpid())]
        with log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        try:
            facts = _wait_until_ready(process, ready, log)
            yield Embedded(int(facts["port"]), str(facts["renderer"]), process)
        finally:
            _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if ready.exists():
            facts: dict[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
            return facts
        if process.poll() is not None:
            raise HazardsimError(_last_words(log) or f"the embedded server ended with code {process.returncode}")
        time.sleep(_POLL_S)
    raise SimulatorError(f"the embedded server was not ready within {_START_TIMEOUT_S:.0f} s: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("hazardsim: ") if lines else ""


def _capture(job: RenderJob, server: subprocess.Popen[bytes] | None) -> int:
    """Run capture in a child; it is ended when the server that it uses, if that is ours, ends before it."""
    with tempfile.NamedTemporaryFile(prefix="hazardsim-capture-", suffix=".log") as log:
        command = [sys.executable, "-m", "hazardsim.jobs.worker", log.name, str(os.getpid())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            if process.stdin is not None:
                process.stdin.write(TypeAdapter(RenderJob).dump_json(job))
                process.stdin.close()
            while process.poll() is None:
                if server is not None and server.poll() is not None:
                    LOG.warning("the embedded server ended with code %d", server.returncode)
                    break
                time.sleep(_POLL_S)
        finally:
            _stop(process)
        if process.returncode not in {0, 1} and _last_words(Path(log.name)):
            LOG.warning("the client's last words: %s", _last_words(Path(log.name)))
        return process.returncode


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a child, gently first; nothing where it has ended by itself."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _progress(job: RenderJob) -> int:
    journal = Path(job.out) / SplitLayout(job.split).journal
    return len(list(journal.glob("*.json"))) if journal.is_dir() else 0

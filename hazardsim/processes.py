"""Child processes: how they are started, watched and stopped, and what they owe their parent."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PATIENCE_S: Final = 10.0
_PARENT_CHECK_S: Final = 0.5
_ERROR_PREFIX: Final = "hazardsim: "


class Child:
    """A Python process of ours, stopped on leaving; all that it and its C++ libraries say goes into a log.

    `arguments` follow the interpreter's name; `message` is what it reads from its standard input.
    """

    def __init__(self, arguments: Sequence[str], message: bytes = b"") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hazardsim-")
        self.folder = Path(self._folder.name)
        self._log = self.folder / "log"
        (self.folder / "message").write_bytes(message)
        with self._log.open("wb") as log, (self.folder / "message").open("rb") as stdin:
            self._process = subprocess.Popen(
                [sys.executable, *arguments], stdin=stdin, stdout=log, stderr=log, start_new_session=True
            )

    def __enter__(self) -> Child:
        """The running child."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and forget what it said."""
        self.stop()
        self._folder.cleanup()

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """End it, gently first; nothing where it has ended by itself."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """The error that it ended with, else the last line that it said."""
        lines = [line.strip() for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines()]
        spoken = [line for line in lines if line]
        errors = [line for line in spoken if line.startswith(_ERROR_PREFIX)]
        return next(reversed(errors or spoken), "").removeprefix(_ERROR_PREFIX)


def end_with_parent(parent: int) -> None:
    """End this process when its parent ends, however that comes about (kill -9 included).

    On Linux the kernel does it, since a thread that watches could be held up by a client library that keeps Python's
    lock while it waits; elsewhere such a thread has to do. The parent's thread that started this process counts as the
    parent: it must live as long as the process. Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()

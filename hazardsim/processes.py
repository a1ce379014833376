"""What a child process owes its parent: a quiet terminal, and not to outlive it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def keep_native_noise_out(log: Path) -> None:
    """Send what C++ libraries write to stdout and stderr into `log`; Python's own streams stay on the terminal.

    The carla client and its map converter write to the file descriptors directly and cannot be told not to.
    """
    sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that comes about (kill -9 included).

    A thread that watches would not do: the carla client holds Python's lock while it waits for a dead server.
    Source: prctl(2), PR_SET_PDEATHSIG; Linux only, elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)

"""What a child process owes its parent: a quiet terminal, and not to outlive it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path


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


def die_with_parent(poll_s: float = 0.3) -> None:
    """End this process soon after its parent has ended, however that came about (kill -9 included)."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(poll_s)
        os._exit(1)

    threading.Thread(target=watch, name="die-with-parent", daemon=True).start()

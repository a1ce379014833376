"""One run at a time makes a split, or one at a time each of its shards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.split import Split
from hazardsim.errors import DatasetError

_PATIENCE_S = 4.0  # a process that was just killed may need a moment to let go


@contextlib.contextmanager
def hold_split(root: Path, split: Split, shard: str = "") -> Iterator[None]:
    """Keep other runs out of the split: all of them, or with a `shard` the same shard's and those of the whole split.

    The system lets go of the locks when the process ends. Where nothing was begun, no trace is left.

    Raises:
        DatasetError: another run is at it, or the folder cannot be written.
    """
    layout = SplitLayout(split)
    whole = root / layout.lock
    fresh = [folder for folder in (whole.parent, *whole.parent.parents) if not folder.exists()]
    with contextlib.ExitStack() as held:
        own = held.enter_context(_held(whole))
        held.callback(_leave_no_trace, root, layout, own, fresh)
        if shard:
            held.enter_context(_held(root / layout.shard_lock(shard)))
            own.release()
        else:
            for path in _shard_locks(root, layout):
                with _held(path):
                    pass
        yield


@contextlib.contextmanager
def _held(path: Path) -> Iterator[FileLock]:
    lock = FileLock(path, timeout=_PATIENCE_S, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise DatasetError(
            f"another process is writing to {path.parent}; wait for it, or choose another --out"
        ) from None
    except OSError as error:
        raise DatasetError(f"cannot write {path.parent}: {error.strerror}; choose another --out") from error
    try:
        yield lock
    finally:
        lock.release()


def _leave_no_trace(root: Path, layout: SplitLayout, own: FileLock, fresh: list[Path]) -> None:
    """Delete the locks and the folders made for them, unless the split was begun or another run holds a lock."""
    if (root / layout.recipe).exists():
        return
    with contextlib.suppress(OSError, Timeout), own.acquire(timeout=0):
        for path in _shard_locks(root, layout):
            with FileLock(path, timeout=0, thread_local=False):
                path.unlink()
        (root / layout.lock).unlink()
        for folder in fresh:
            folder.rmdir()


def _shard_locks(root: Path, layout: SplitLayout) -> list[Path]:
    return sorted((root / layout.folder).glob(layout.shard_lock("*").name))

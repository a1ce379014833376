"""One run at a time makes a split, or one at a time each of its shards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from hazardsim.dataset.layout import Split, SplitLayout
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
        held.callback(_leave_no_trace, root, layout, fresh)
        own = held.enter_context(_held(whole))
        if shard:
            held.enter_context(_held(root / layout.shard_lock(shard)))
            own.release()
        else:
            for path in sorted(whole.parent.glob(str(layout.shard_lock("*").name))):
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


def _leave_no_trace(root: Path, layout: SplitLayout, fresh: list[Path]) -> None:
    """Delete the locks and the folders made for them, unless a run has begun the split."""
    if (root / layout.recipe).exists():
        return
    with contextlib.suppress(OSError):
        (root / layout.lock).unlink(missing_ok=True)
        for path in (root / layout.folder).glob(str(layout.shard_lock("*").name)):
            path.unlink(missing_ok=True)
        for folder in fresh:
            folder.rmdir()

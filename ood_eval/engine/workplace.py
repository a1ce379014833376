"""Where work lies that is not finished, and a lock for the folder of a run."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import filelock

from ood_eval.engine.cells import CellStore
from ood_eval.engine.shards import ShardStore
from ood_eval.errors import ResultError
from ood_eval.tasks.image_arrays import ImageArrays

_LOG: Final = logging.getLogger(__name__)

# Folders that a run makes in its own.
_OWN: Final = ("cells", "evaluations", "fitted", "frames", "parts", "report", "training", "unfinished")


@dataclass(frozen=True, slots=True)
class Workplace:
    """Folders of unfinished work and of frames, of one benchmark under one segmenter."""

    out: Path
    key: str

    @property
    def shards(self) -> ShardStore:
        """Counts of some images."""
        return ShardStore(self.out / "unfinished" / self.key / "shards")

    @property
    def maps(self) -> ImageArrays:
        """Whole score maps."""
        return ImageArrays(self.out / "unfinished" / self.key / "scores", packs=True)

    @property
    def frames(self) -> ImageArrays:
        """What a report may show."""
        return ImageArrays(self.out / "frames" / self.key)


def clear_remains(out: Path, own: Collection[str]) -> None:
    """Removes unfinished work whose cells are finished by now, and says what else earlier runs have left.

    What other versions, checkpoints or data began lies under other keys than this run's `own`, and no run of today's
    finds it again.
    """
    cells = CellStore(out / "cells")
    for folder in (out / "unfinished").glob("*"):
        if folder.name in own:
            continue
        with contextlib.suppress(ResultError):  # a damaged shard stays, and is told of
            if Workplace(out, folder.name).shards.clear(cells):
                shutil.rmtree(folder, ignore_errors=True)
    left = [one for name in ("unfinished", "frames") for one in sorted((out / name).glob("*")) if one.name not in own]
    size = sum(path.stat().st_size for folder in left for path in folder.rglob("*") if path.is_file())
    if size:
        where = " and ".join(dict.fromkeys(str(folder.parent) for folder in left))
        _LOG.info(
            "%s: %.1f MB in %d folders of other versions, checkpoints or data; this run needs none of them: delete "
            "them, unless another run is to go on there: %s",
            where, size / 1e6, len(left), ", ".join(sorted({folder.name for folder in left})),
        )  # fmt: skip


@contextlib.contextmanager
def exclusive(out: Path) -> Iterator[None]:
    """Keeps every other run out of a folder; the lock is gone with the process that holds it.

    What killed runs were writing is swept away.
    A folder that was made for the lock and into which nothing was written is removed again.

    Raises:
        ResultError: another run uses the folder, or it cannot be written.
    """
    path, made = out / ".lock", not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise ResultError(
            f"{out}: another run uses this folder; wait until it is done, or give another --out"
        ) from error
    except OSError as error:
        raise ResultError(f"{path}: cannot be written ({error.strerror or error})") from error
    try:
        _sweep(out)
        yield
    finally:
        with contextlib.suppress(OSError):
            if made and [one.name for one in out.iterdir()] == [path.name]:
                path.unlink()  # while it is held: nobody else's is removed
                out.rmdir()
        lock.release()


def _sweep(out: Path) -> None:
    """Removes half-written files of runs that were killed."""
    for folder in (out, *(out / name for name in _OWN)):
        for part in folder.glob(".*.part") if folder == out else folder.rglob(".*.part"):
            with contextlib.suppress(OSError):
                part.unlink()

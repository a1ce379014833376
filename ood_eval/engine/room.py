"""Whether a disk has room for what is going to be written."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Final

from ood_eval.errors import ResultError

_LOG: Final = logging.getLogger(__name__)
_TOLD_FROM: Final = 1_000_000_000


def require_room(folder: Path, needed: int, what: str, advice: str) -> None:
    """Refuses to begin what a disk cannot hold, and says beforehand what takes much of it.

    Args:
        folder: where it goes; it need not be there yet.
        needed: bytes.
        what: is written there, as the message says it.
        advice: what else one can do.

    Raises:
        ResultError: the disk has less room.
    """
    place = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise ResultError(f"{folder}: {what} need {_gb(needed)}, the disk has {_gb(free)} free; {advice}")
    if needed >= _TOLD_FROM:
        _LOG.info("%s: %s need %s of the %s that are free", folder, what, _gb(needed), _gb(free))


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"

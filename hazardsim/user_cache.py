"""The user's cache folder, and what follows from this package's code alone, kept there from process to process."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import zlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar

from hazardsim.errors import DatasetError
from hazardsim.files import write_whole

T = TypeVar("T")

LOG = logging.getLogger(__name__)

_LIBRARIES: Final = ("numpy", "opencv-python-headless", "trimesh")
_CHECKSUM_BYTES: Final = 4
_KEPT_VERSIONS: Final = 3


def cache_root(chosen: Path | None = None) -> Path:
    """The user's cache: `chosen`, else $HAZARDSIM_CACHE, else hazardsim in $XDG_CACHE_HOME, else in ~/.cache."""
    if chosen is not None:
        return chosen
    named = os.environ.get("HAZARDSIM_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hazardsim"


def remembered(name: str, make: Callable[[], T], encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> T:
    """What `make` gives: as an earlier process of the same code kept it, else made now and kept.

    `make` must depend on nothing but this package's code and the libraries below it. A damaged file is made anew, and a
    folder that cannot be written to costs time only.
    """
    path = cache_root() / "derived" / code_version() / name
    with contextlib.suppress(OSError):
        content = path.read_bytes()
        payload = content[_CHECKSUM_BYTES:]
        if content[:_CHECKSUM_BYTES] == _checksum(payload):
            return decode(payload)
        LOG.debug("%s is damaged and is made anew", path)
    made = make()
    payload = encode(made)
    try:
        write_whole(path, [_checksum(payload), payload])
    except DatasetError as error:
        LOG.debug("%s is not kept: %s", name, error)
    else:
        _forget_old_versions(path.parent)
    return made


@cache
def code_version() -> str:
    """A digest over this package's source files and the versions of the libraries that its numbers come from."""
    root = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    for library in _LIBRARIES:
        total.update(f"{library} {version(library)}\0".encode())
    return total.hexdigest()[:16]


def _checksum(payload: bytes) -> bytes:
    return zlib.crc32(payload).to_bytes(_CHECKSUM_BYTES, "little")


def _forget_old_versions(current: Path) -> None:
    """Keep the newest few; whoever still reads from another one makes it anew."""
    with contextlib.suppress(OSError):
        others = sorted((p for p in current.parent.iterdir() if p != current), key=lambda p: p.stat().st_mtime)
        for old in others[: max(0, len(others) - _KEPT_VERSIONS + 1)]:
            shutil.rmtree(old, ignore_errors=True)

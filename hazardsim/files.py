"""Files that are either there and whole, or not there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from hazardsim.errors import DatasetError


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write beside the target, then rename.

    Raises:
        DatasetError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.writelines(chunks)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise DatasetError(
            f"cannot write {path}: {error.strerror}; make room or choose another --out, then run the same command again"
        ) from error


def json_line(data: object) -> bytes:
    """One line of JSON, keys sorted, so that equal data are equal bytes."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"

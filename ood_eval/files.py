"""Files that are whole or absent."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ood_eval.errors import ResultError


def require_writable(folder: Path) -> None:
    """Makes a folder, and refuses at once one in which nothing can be written.

    Raises:
        ResultError: it cannot be made, or written in.
    """
    probe = folder / f".{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ResultError(f"{folder}: cannot be written ({error.strerror or error})") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, making its folder.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    write_pieces(path, (content,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file whole or not at all, making its folder; one piece is in memory at a time.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise ResultError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text whole or not at all.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Writes indented JSON with sorted keys, whole or not at all; NaN, which JSON lacks, is null.

    Raises:
        ResultError: a number is infinite, the folder cannot be written or the disk is full.
    """
    try:
        text = json.dumps(without_nan(value), indent=2, sort_keys=True, allow_nan=False)
    except ValueError as error:
        raise ResultError(f"{path}: not written, for a number of it is infinite") from error
    write_text(path, f"{text}\n")


def without_nan(value: Any) -> Any:  # noqa: ANN401
    """A JSON value with null for NaN."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def read_json(path: Path) -> Any:  # noqa: ANN401
    """The value of a JSON file.

    Raises:
        ResultError: the file is missing or damaged, or holds what is not JSON, as NaN.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refused)
    except OSError as error:
        raise ResultError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise ResultError(f"{path}: is not JSON; delete it and run again") from error


def refused(constant: str) -> float:
    """What `json` calls for NaN and Infinity.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{constant} is not JSON")


def content_key(value: Any) -> str:  # noqa: ANN401
    """A short hash of a JSON value, equal on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

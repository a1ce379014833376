"""Files that are whole or absent."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ood_eval.errors import ResultError


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, making its folder.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise ResultError(f"{path}: cannot be written ({error.strerror or error})") from error


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text whole or not at all.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Writes indented JSON with sorted keys, whole or not at all.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:  # noqa: ANN401
    """The value of a JSON file.

    Raises:
        ResultError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise ResultError(f"{path}: is not JSON; delete it and run again") from error


def content_key(value: Any) -> str:  # noqa: ANN401
    """A short hash of a JSON value, equal on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

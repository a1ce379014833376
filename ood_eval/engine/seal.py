"""A seal on a folder of results: the hashes of its files, so that one that is missing or altered is made again."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Final

from ood_eval.errors import ResultError
from ood_eval.files import read_json, write_json

_NAME: Final = "seal.json"


def seal(folder: Path) -> None:
    """Notes what the files of a folder hold, when all of them are written.

    Raises:
        ResultError: the folder cannot be written.
    """
    write_json(folder / _NAME, _contents(folder))


def is_sealed(folder: Path) -> bool:
    """Whether a folder was sealed and still holds the same."""
    with contextlib.suppress(ResultError, OSError):
        return bool(read_json(folder / _NAME) == _contents(folder))
    return False


def _contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("[!.]*") if path.is_file() and path.name != _NAME)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

"""Files that are either there and whole, or not there; JSON whose equal data are equal bytes."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from hazardsim.errors import DatasetError, HazardsimError

_DRAFTS = ".*.part"


def write_whole(
    path: Path,
    chunks: Iterable[bytes],
    kind: type[HazardsimError] = DatasetError,
    remedy: str = "make room or choose another --out, then run the same command again",
) -> None:
    """Write a draft beside the target, then rename it; drafts of different processes and threads have different names.

    Raises:
        HazardsimError: of this kind, with this remedy: the disk is full or the folder cannot be written; nothing is
            left behind.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.writelines(chunks)
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise kind(f"cannot write {path}: {error.strerror or error}; {remedy}") from error


def remove_drafts(folder: Path) -> None:
    """Delete what killed writers left anywhere below a folder; only for one who knows that nobody writes there."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                remove_drafts(Path(entry.path))
            elif fnmatch(entry.name, _DRAFTS):
                Path(entry.path).unlink(missing_ok=True)


def json_line(data: object) -> bytes:
    """One line of JSON with sorted keys.

    Raises:
        ValueError: a number is infinite or not a number.
    """
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        DatasetError: the file cannot be read or holds anything else.
    """
    try:
        return record_from_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is damaged ({error}); delete it, or choose another --out") from error


def record_from_json(text: bytes | str) -> dict[str, Any]:
    """The JSON object in a text.

    Raises:
        ValueError: it is not JSON, not an object, or holds NaN or an infinity.
    """
    record = json.loads(text, parse_constant=_refuse)
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, found {type(record).__name__}")  # noqa: TRY004  damaged data
    return record


@contextlib.contextmanager
def damage_named(where: Path, remedy: str) -> Iterator[None]:
    """Around the reading of stored records: a record that lacks what ours have is named as damaged.

    Raises:
        DatasetError: with the folder and the remedy.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(f"a record in {where} is damaged ({reason}); {remedy}") from error


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not strict JSON")

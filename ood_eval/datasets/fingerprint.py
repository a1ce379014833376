"""A hash of exactly the bytes a result was computed from, remembered by name, size and time of the files."""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ood_eval.datasets.sample import SegDataset, attributes_of, identity_of, instance_files_of
from ood_eval.errors import DataError, ResultError
from ood_eval.files import content_key, write_json

_CHUNK: Final = 1 << 20
# A file that was changed less than so long before it was hashed may change again and keep its time.
_UNSETTLED_NS: Final = 2_000_000_000


@dataclass(slots=True)
class Memory:
    """What is known of files: hashes by path, each with the size and the time of change that it holds for.

    `sound` are keys of splits that were read whole and found to keep the contract of data sets.
    """

    files: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    sound: set[str] = field(default_factory=set)

    def hash_of(self, path: Path) -> str:
        """SHA-256 hex of a file's contents.

        Raises:
            DataError: the file cannot be read.
        """
        try:
            found = path.stat()
            known = self.files.get(str(path))
            if known is not None and known[:2] == (found.st_size, found.st_mtime_ns):
                return known[2]
            now = time.time_ns()
            told = _content_hash(path)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
        if now - found.st_mtime_ns > _UNSETTLED_NS:
            self.files[str(path)] = (found.st_size, found.st_mtime_ns, told)
        return told


_MEMORY: Final[contextvars.ContextVar[Memory | None]] = contextvars.ContextVar("memory", default=None)


@contextlib.contextmanager
def remembered(path: Path, *, write: bool = True) -> Iterator[Memory]:
    """Within, hashes are taken from a file and added to it; a damaged file is an empty one.

    Args:
        path: of the file.
        write: whether what was learnt is written at the end.

    Raises:
        ResultError: the file cannot be written.
    """
    memory = Memory()
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["key"] == content_key([told["files"], told["sound"]]):
            memory.files = {name: (int(size), int(at), str(one)) for name, (size, at, one) in told["files"].items()}
            memory.sound = set(map(str, told["sound"]))
    before = (len(memory.files), hash(frozenset(memory.files.items())), frozenset(memory.sound))
    token = _MEMORY.set(memory)
    try:
        yield memory
    finally:
        _MEMORY.reset(token)
        if write and before != (len(memory.files), hash(frozenset(memory.files.items())), frozenset(memory.sound)):
            with contextlib.suppress(ResultError):  # a memory that cannot be kept costs time alone
                known: dict[str, object] = {"files": memory.files, "sound": sorted(memory.sound)}
                write_json(path, known | {"key": content_key(list(known.values()))})


def dataset_hash(dataset: SegDataset) -> str:
    """SHA-256 hex over the contents of every file of every sample, in order; names and folders do not count.

    Raises:
        DataError: a file cannot be read.
    """
    whole = hashlib.sha256(f"{dataset.name} {len(dataset)}".encode())
    for index in range(len(dataset)):
        for path in dataset.files(index):
            whole.update(file_hash(path).encode())
    return whole.hexdigest()


def attributes_hash(dataset: SegDataset) -> str:
    """A short hash of all that a split knows of its samples besides pixels: names, attributes, which object is where.

    Raises:
        DataError: the split's description of a sample is damaged, or a file of instances cannot be read.
    """
    return content_key(
        [
            [
                identity_of(dataset, index),
                dict(attributes_of(dataset, index)),
                [file_hash(path) for path in instance_files_of(dataset, index)],
            ]
            for index in range(len(dataset))
        ]
    )


def file_hash(path: Path) -> str:
    """SHA-256 hex of a file's contents.

    Raises:
        DataError: the file cannot be read.
    """
    return (_MEMORY.get() or Memory()).hash_of(path)


def _content_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

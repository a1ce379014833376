"""Arrays in a file, whole or absent, and read so that damage is told in a line."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import ResultError
from ood_eval.files import write_bytes

# What numpy and zipfile raise of files that are cut short, overwritten, or of another kind.
_DAMAGED: Final = (
    OSError, ValueError, KeyError, TypeError, EOFError, IndexError, AttributeError, RuntimeError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], *, compressed: bool = True) -> None:
    """Writes arrays by name as an .npz, whole or not at all.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, allow_pickle=False, **arrays)
    write_bytes(path, stream.getvalue())


def read_arrays(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, NDArray[Any]]:  # noqa: ARG005
    """The arrays of an .npz whose names are wanted.

    Raises:
        ResultError: the file is missing or damaged.
    """
    try:
        with _opened(path) as found:
            return {name: found[name] for name in found.files if wanted(name)}
    except _DAMAGED as error:
        raise _refusal(path) from error


def array_names(path: Path) -> frozenset[str]:
    """The names of the arrays of an .npz; the arrays themselves are not read.

    Raises:
        ResultError: the file is missing or damaged.
    """
    try:
        with _opened(path) as found:
            return frozenset(found.files)
    except _DAMAGED as error:
        raise _refusal(path) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    with path.open("rb") as file:  # of a damaged archive, numpy leaves a file open that it has opened itself
        found = np.load(file, allow_pickle=False)
        if not isinstance(found, np.lib.npyio.NpzFile):
            raise TypeError("a single array")
        with found:
            yield found


def _refusal(path: Path) -> ResultError:
    return ResultError(f"{path}: missing or damaged; delete this file, if it is there, and run again")

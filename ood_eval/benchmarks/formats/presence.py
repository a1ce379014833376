"""Which label maps hold which values, found once and remembered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import DataError, ResultError
from ood_eval.files import write_json

_LOG: Final = logging.getLogger(__name__)


def values_present(
    paths: Sequence[Path], wanted: Sequence[int], read: Callable[[Path], NDArray[np.uint8]]
) -> list[frozenset[int]]:
    """For each label map, those of `wanted` that it holds.

    All files must be read once; the answer is kept in the user's cache folder for as long as their names, sizes and
    times stay the same.

    Args:
        paths: of the label maps.
        wanted: values to look for.
        read: gives the values [H,W] u8 of a file.

    Raises:
        DataError: a file cannot be read.
    """
    kept = cache_folder() / f"values-{_signature(paths, wanted)}.json"
    remembered = _remembered(kept)
    if remembered is not None and len(remembered) == len(paths):
        return remembered
    _LOG.info("looking for the values %s in %d label maps (once)", ", ".join(map(str, wanted)), len(paths))
    found = []
    damaged: list[DataError] = []
    for path in paths:
        present = np.zeros(256, dtype=np.bool_)
        try:
            present[read(path)] = True
        except DataError as error:
            damaged.append(error)
        found.append(frozenset(value for value in wanted if present[value]))
    if damaged:
        more = f" (and {len(damaged) - 1} more like it)" if len(damaged) > 1 else ""
        raise DataError(f"{damaged[0]}{more}")
    try:
        write_json(kept, [sorted(values) for values in found])
    except ResultError as error:
        _LOG.warning("the answer is not remembered: %s", error)
    return found


def cache_folder() -> Path:
    """`ood_eval` in $XDG_CACHE_HOME, or in ~/.cache."""
    given = os.environ.get("XDG_CACHE_HOME")
    return (Path(given) if given else Path.home() / ".cache") / "ood_eval"


def _signature(paths: Sequence[Path], wanted: Sequence[int]) -> str:
    digest = hashlib.sha256(repr(tuple(wanted)).encode())
    for path in paths:
        try:
            state = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
        digest.update(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


def _remembered(path: Path) -> list[frozenset[int]] | None:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return [frozenset(values) for values in json.loads(path.read_text(encoding="utf-8"))]
    return None

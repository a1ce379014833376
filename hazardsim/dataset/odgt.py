"""The list of samples that StreetHazards loaders read: one JSON array on one line, sorted by the pictures' names."""

from __future__ import annotations

import heapq
import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, Any, Final

from hazardsim.dataset.layout import DB_NAME, LISTED, SplitLayout

_AT_ONCE: Final = 4096
"""Entries that are sorted in memory; more are sorted through files."""


def odgt_entry(record: dict[str, Any], layout: SplitLayout) -> dict[str, object]:
    """A frame's record as an entry of the list."""
    camera = record["scene"]["camera"]
    paths = {kind: PurePosixPath(record["files"][kind]["path"]).relative_to(layout.folder) for kind in LISTED}
    return {
        "dbName": DB_NAME,
        "width": camera["width_px"],
        "height": camera["height_px"],
        "fpath_img": str(paths[LISTED[0]]),
        "fpath_segm": str(paths[LISTED[1]]),
    }


def odgt_text(entries: Iterable[dict[str, object]]) -> Iterator[bytes]:
    """The bytes of the list, piece by piece; what is held in memory does not grow with the number of entries."""
    yield b"["
    with ExitStack() as held:
        for number, line in enumerate(heapq.merge(*_sorted_runs(entries, held), key=_name)):
            yield (b", " if number else b"") + line.rstrip(b"\n")
    yield b"]"


def _sorted_runs(entries: Iterable[dict[str, object]], held: ExitStack) -> list[Iterable[bytes]]:
    """The entries as lines of JSON, in runs that are sorted; all but the last one lie in files."""
    runs: list[Iterable[bytes]] = []
    lines = (json.dumps(entry).encode() + b"\n" for entry in entries)
    while run := sorted(islice(lines, _AT_ONCE), key=_name):
        if len(run) < _AT_ONCE:
            return [*runs, run]
        file: IO[bytes] = held.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  the stack closes it
        file.writelines(run)
        file.seek(0)
        runs.append(file)
    return runs


def _name(line: bytes) -> str:
    return str(json.loads(line)["fpath_img"])

"""Whether a run that was finished still is: the same request, the same files, told by their names, sizes and times.

Nothing heavy is imported here, and no picture is read: a finished run answers before torch would be loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ood_eval.errors import ResultError
from ood_eval.files import content_key, read_json, write_json

# A file that was changed less than so long before a run began may change again and keep its time.
_UNSETTLED_NS: Final = 2_000_000_000
_PACKAGES: Final = ("ood_eval", "hazardsim")
_VARIABLES: Final = ("OOD_EVAL_", "XDG_CONFIG_HOME", "HOME")


@dataclass(frozen=True, slots=True)
class Watched:
    """What a run has read.

    Args:
        trees: folders that count with everything below them.
        folders: folders that count with what lies in them.
        files: single files.
        names: folders that count by the names in them and one level below, where benchmarks are looked for.
    """

    trees: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Finished:
    """The note that a run leaves in its folder when all is done: `finished.json`.

    Args:
        out: folder of the run.
        request: every option of the command, as JSON values.
    """

    def __init__(self, out: Path, request: object) -> None:
        self._out, self._path = out, out / "finished.json"
        variables = {name: value for name, value in os.environ.items() if name.startswith(_VARIABLES)}
        self._request = content_key([request, str(Path.cwd()), variables])
        self._started = time.time_ns()

    def still(self) -> bool:
        """Whether this request was finished, and nothing that it read or wrote is another since."""
        with contextlib.suppress(ResultError, KeyError, TypeError, AttributeError, ValueError, OSError):
            note = read_json(self._path)
            watched = Watched(**{name: tuple(value) for name, value in note["watched"].items()})
            return bool(note["request"] == self._request and note["stamp"] == self._stamp(watched)[0])
        return False

    def note(self, watched: Watched) -> None:
        """Notes that all is done; not where something was changed so lately that its time may not tell.

        Raises:
            ResultError: the folder cannot be written.
        """
        stamp, latest = self._stamp(watched)
        if latest < self._started - _UNSETTLED_NS:
            told: dict[str, Any] = {name: list(getattr(watched, name)) for name in Watched.__slots__}
            write_json(self._path, {"request": self._request, "stamp": stamp, "watched": told})

    def _stamp(self, watched: Watched) -> tuple[str, int]:
        """A hash of names, sizes and times, and the latest time of what was read."""
        digest, latest = hashlib.sha256(), 0
        for name, size, at in self._inputs(watched):
            digest.update(f"{name}\0{size}\0{at}\n".encode())
            latest = max(latest, at)
        for name, size, at in _results(self._out):
            digest.update(f"{name}\0{size}\0{at}\n".encode())
        return digest.hexdigest(), latest

    def _inputs(self, watched: Watched) -> Iterator[tuple[str, int, int]]:
        for package in _PACKAGES:
            found = importlib.util.find_spec(package)
            for place in (found.submodule_search_locations or []) if found is not None else []:
                yield from _tree(Path(place), self._out, code=True)
        for tree in watched.trees:
            yield from _tree(Path(tree), self._out)
        for folder in watched.folders:
            yield from (_told(entry) for entry in _entries(folder) if entry.is_file())
        for file in watched.files:
            info = Path(file).stat()
            yield file, info.st_size, info.st_mtime_ns
        for names in watched.names:
            for entry in _entries(names):
                below = [one.name for one in _entries(entry.path)] if entry.is_dir() else []
                yield f"{entry.path} {below}", 0, 0


def _tree(root: Path, out: Path, *, code: bool = False) -> Iterator[tuple[str, int, int]]:
    """Every folder and file below a root but for the run's own folder; of code without what running it writes."""
    seen, waiting = set[str](), [str(root)]
    apart = out.resolve()
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen or Path(real) == apart:
            continue
        seen.add(real)
        if not code:
            yield folder, 0, 0 if apart.parent == Path(real) else Path(folder).stat().st_mtime_ns
        for entry in _entries(folder):
            if entry.is_dir():
                if not (code and entry.name == "__pycache__"):
                    waiting.append(entry.path)
            elif entry.is_file():
                yield _told(entry)


def _results(out: Path) -> Iterator[tuple[str, int, int]]:
    """What the run has written that is shown again."""
    shown = [out / name for name in ("run.json", "summary.jsonl", "comparisons.jsonl")]
    shown += sorted(out.glob("evaluations/*/*.json*")) + sorted(path for path in out.glob("report/*") if path.is_file())
    yield "report", int((out / "report/index.html").is_file()), 0
    for path in shown:
        found = path.stat()
        yield str(path), found.st_size, found.st_mtime_ns


def _entries(folder: str) -> Iterable[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _told(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    found = entry.stat()
    return entry.path, found.st_size, found.st_mtime_ns

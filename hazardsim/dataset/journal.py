"""What a split that is not whole holds so far: one small file for each frame kept and each scene left out.

Files are named by frame number and attempt, so that workers never touch each other's, and nothing need be listed to
find one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.numbering import Slot
from hazardsim.dataset.split import Split
from hazardsim.errors import DatasetError
from hazardsim.files import json_line, write_whole

_KEPT, _REJECTED = "kept", "rejected"
_AT_ONCE = 100


class Journal:
    """The journal of one split below a dataset's root."""

    def __init__(self, root: Path, split: Split) -> None:
        self.folder = root / SplitLayout(split).journal

    def keep(self, number: int, record: Mapping[str, object]) -> None:
        """Record a frame; its files must be on disk."""
        write_whole(self.kept(number), [json_line(record)])

    def reject(self, slot: Slot, attempt: int, reason: str) -> None:
        """Record that an attempt of a slot was left out, so that nobody tries it again."""
        record = {
            "number": slot.number,
            "town": slot.town,
            "index": slot.index,
            "attempt": attempt,
            "reason": reason,
        }
        write_whole(self._rejected(slot.number, attempt), [json_line(record)])

    def kept(self, number: int) -> Path:
        """Where the record of a frame is, once it is kept."""
        return self.folder / f"{_KEPT}-{number:08d}.json"

    def has(self, number: int) -> bool:
        """Whether the frame was kept."""
        return self.kept(number).exists()

    def rejected(self, number: int) -> Iterator[Path]:
        """Records of a frame's left-out attempts, in order."""
        attempt = 0
        while (path := self._rejected(number, attempt)).exists():
            yield path
            attempt += 1

    def attempts(self, number: int) -> int:
        """How many attempts of a frame were left out, which is the number of the next one."""
        return sum(1 for _ in self.rejected(number))

    def counts(self, numbers: range) -> tuple[int, int]:
        """How many of these frames were kept, and how many of their attempts left out: one pass over the folder."""
        kept = rejected = 0
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                kind, _, rest = entry.name.partition("-")
                if kind in (_KEPT, _REJECTED) and int(rest[:8]) in numbers:
                    kept += kind == _KEPT
                    rejected += kind == _REJECTED
        return kept, rejected

    def remove(self) -> None:
        """Delete it, some files at a time, and whatever else lies in it.

        Raises:
            DatasetError: it cannot be deleted.
        """
        try:
            while records := self._some_records():
                for path in records:
                    path.unlink(missing_ok=True)
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DatasetError(
                f"{self.folder} cannot be deleted ({error.strerror or error}); delete it, the split beside it is whole"
            ) from error

    def _some_records(self) -> list[Path]:
        with os.scandir(self.folder) as entries:
            files = (entry.path for entry in entries if not entry.is_dir(follow_symlinks=False))
            return [Path(path) for path in islice(files, _AT_ONCE)]

    def _rejected(self, number: int, attempt: int) -> Path:
        return self.folder / f"{_REJECTED}-{number:08d}-{attempt:04d}.json"

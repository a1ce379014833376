"""What a split that is not whole holds so far: one small file for each frame kept and each scene left out.

Files are named by frame number, so that workers never touch each other's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.numbering import Slot
from hazardsim.dataset.split import Split
from hazardsim.files import json_line, write_whole

_KEPT, _REJECTED = "kept", "rejected"


class Journal:
    """The journal of one split below a dataset's root."""

    def __init__(self, root: Path, split: Split) -> None:
        self.folder = root / SplitLayout(split).journal

    def keep(self, number: int, record: Mapping[str, object]) -> None:
        """Record a frame; its files must be on disk."""
        write_whole(self.folder / f"{_KEPT}-{number:08d}.json", [json_line(record)])

    def reject(self, slot: Slot, attempt: int, reason: str) -> None:
        """Record that an attempt of a slot was left out, so that nobody tries it again."""
        record = {
            "number": slot.number,
            "town": slot.town,
            "index": slot.index,
            "attempt": attempt,
            "reason": reason,
        }
        write_whole(self.folder / f"{_REJECTED}-{slot.number:08d}-{attempt:04d}.json", [json_line(record)])

    def kept(self) -> dict[int, Path]:
        """Records of kept frames by number, in order."""
        return {int(path.stem.split("-")[1]): path for path in sorted(self.folder.glob(f"{_KEPT}-*.json"))}

    def rejected(self) -> list[Path]:
        """Records of left-out scenes, ordered by number and attempt."""
        return sorted(self.folder.glob(f"{_REJECTED}-*.json"))

    def attempts(self) -> Counter[int]:
        """How many attempts of each frame number were left out."""
        return Counter(int(path.stem.split("-")[1]) for path in self.rejected())

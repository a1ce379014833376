"""Writing frames of a split so that it can be killed at any moment; several writers may share a split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from hazardsim.channels import CHANNELS
from hazardsim.dataset.finish import manifest_length
from hazardsim.dataset.journal import Journal
from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.numbering import Slot
from hazardsim.dataset.recipe_file import record_recipe
from hazardsim.dataset.split import Split
from hazardsim.errors import DatasetError
from hazardsim.files import write_whole
from hazardsim.frame import Frame
from hazardsim.scenario.scene import scene_to_data


class SplitWriter:
    """Frames of one split, each recorded once all of its files are on disk.

    `recipe` is everything that decides the content. A folder begun with another recipe is refused.

    Raises:
        DatasetError: the folder holds a split of another recipe, or cannot be read or written.
    """

    def __init__(self, root: Path, split: Split, recipe: Mapping[str, object]) -> None:
        self._root = root
        self._layout = SplitLayout(split)
        self._journal = Journal(root, split)
        self._finished = manifest_length(root, split)
        try:  # before the recipe: a split with a manifest and no journal is whole
            self._journal.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatasetError(f"cannot write {root}: {error.strerror}; choose another --out") from error
        record_recipe(root, split, recipe)

    def has(self, number: int) -> bool:
        """Whether the frame of this number was kept already."""
        return number <= self._finished or self._journal.has(number)

    def next_attempt(self, number: int) -> int:
        """How many attempts of the slot were left out already, which is the number of the next one."""
        return self._journal.attempts(number)

    def keep(self, frame: Frame, number: int) -> None:
        """Write the pictures, then the record."""
        scene = frame.scene
        entries = {}
        for name, channel in CHANNELS.items():
            relative, data = self._layout.file(channel, scene.town, number), channel.write(frame.channels[name])
            write_whole(self._root / relative, [data])
            entries[channel.folder] = {"path": str(relative), "sha256": hashlib.sha256(data).hexdigest()}
        record = {
            "number": number,
            "town": scene.town,
            "index": scene.index,
            "attempt": scene.attempt,
            "files": entries,
            "scene": scene_to_data(scene),
            "camera": _camera(frame),
            "anomalies": [asdict(seen) for seen in frame.anomalies],
            "versions": dict(frame.versions),
        }
        self._journal.keep(number, record)

    def reject(self, slot: Slot, attempt: int, reason: str) -> None:
        """Record that an attempt was left out."""
        self._journal.reject(slot, attempt, reason)


def _camera(frame: Frame) -> dict[str, object]:
    camera = frame.scene.camera
    focal = camera.width_px / (2 * np.tan(np.radians(camera.fov_deg) / 2))
    intrinsics = [[focal, 0.0, camera.width_px / 2], [0.0, focal, camera.height_px / 2], [0.0, 0.0, 1.0]]
    return {"intrinsics": intrinsics, "world_from_camera": camera.pose.matrix().tolist()}

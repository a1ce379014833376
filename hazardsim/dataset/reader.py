"""Reading a finished split back: its manifest, and each frame's pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hazardsim.channels import CHANNELS
from hazardsim.dataset.journal import Journal
from hazardsim.dataset.layout import LISTED, SplitLayout
from hazardsim.dataset.recipe_file import recorded_frames
from hazardsim.dataset.split import SPLITS, Split
from hazardsim.errors import DatasetError
from hazardsim.scenario.scene import scene_from_data


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrame:
    """One frame on disk; pictures are read when asked for."""

    root: Path
    split: Split
    record: dict[str, Any]

    @property
    def number(self) -> int:
        """The frame's number in its split, from 1."""
        return int(self.record["number"])

    def channel(self, name: str) -> NDArray[Any]:
        """What was kept of a channel; see `Channel.read`.

        Raises:
            DatasetError: the frame was written without this channel, or its file is damaged.
        """
        row = CHANNELS[name]
        if row.folder not in self.record["files"]:
            raise DatasetError(f"frame {self.number} of {self.root} ({self.split}) was written without {name}")
        return row.read(self.root / str(self.record["files"][row.folder]["path"]))

    def rgb(self) -> NDArray[np.uint8]:
        """[H,W,3] u8."""
        return self.channel("rgb")

    def labels(self) -> NDArray[np.uint8]:
        """StreetHazards label values [H,W] u8, 1..14."""
        return self.channel("semantic")

    def instances(self) -> NDArray[np.uint16]:
        """Instance numbers [H,W] u16."""
        return self.channel("instance")

    def depth(self) -> NDArray[np.uint32]:
        """24 bit planar depth [H,W] u32."""
        return self.channel("depth")


def read_split(root: Path, split: Split) -> Iterator[StoredFrame]:
    """The frames of a split in order of their numbers; nothing where the split is not there.

    Raises:
        DatasetError: a line of the manifest is damaged; the message names it.
    """
    manifest = root / SplitLayout(split).manifest
    if not manifest.is_file():
        return
    with manifest.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = _checked(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise DatasetError(f"{manifest} line {number} is damaged: {error}") from error
            yield StoredFrame(root, split, record)


def _checked(record: dict[str, Any]) -> dict[str, Any]:
    """The record, if it has what readers use and its files lie inside the dataset."""
    scene_from_data(record["scene"])
    int(record["number"])
    for seen in record["anomalies"]:
        float(seen["distance_m"])
    for kind in (*LISTED, *record["files"]):
        path = PurePosixPath(record["files"][kind]["path"])
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{kind} file {path} lies outside the dataset")
    return record


def read_all(root: Path) -> Iterator[StoredFrame]:
    """The frames of every split.

    Raises:
        DatasetError: there is no finished split at `root`; of one that was begun, the message says how far it is.
    """
    found = False
    for split in SPLITS:
        for frame in read_split(root, split):
            found = True
            yield frame
    if found:
        return
    for split in SPLITS:
        wanted = recorded_frames(root, split)
        if wanted:
            kept, _ = Journal(root, split).counts(range(1, wanted + 1))
            raise DatasetError(
                f"{root} holds {kept} of the {wanted} frames of a {split} split; repeat "
                f"the command that began it, or join its shards with: hazardsim merge OUT {root} ..."
            )
    raise DatasetError(f"{root} holds no finished dataset; make one with: hazardsim render --out {root}")

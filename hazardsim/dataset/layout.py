"""Names of files and folders: the public StreetHazards layout, and what stands beside it.

Source: the two tar files of StreetHazards (`train/`, `test/`, images, annotations, odgt lists); instances, depth and
the manifest are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from hazardsim.channels import CHANNELS
from hazardsim.channels.channel import Channel
from hazardsim.dataset.split import Split

DB_NAME = "StreetHazards"
LISTED = (CHANNELS["rgb"].folder, CHANNELS["semantic"].folder)
"""The folders of the picture and of its labels, which the odgt lists name."""
_FOLDER: dict[Split, str] = {"training": "train", "validation": "train", "test": "test"}
_ODGT: dict[Split, str] = {"training": "train.odgt", "validation": "validation.odgt", "test": "test.odgt"}
_TOWNS: dict[Split, str] = {"training": "t1-3", "validation": "t4", "test": "t5"}


@dataclass(frozen=True, slots=True)
class SplitLayout:
    """Where the files of one split are; all paths are relative to the dataset's root, with forward slashes."""

    split: Split

    @property
    def folder(self) -> PurePosixPath:
        """`train` or `test`."""
        return PurePosixPath(_FOLDER[self.split])

    @property
    def odgt(self) -> PurePosixPath:
        """The list of samples that StreetHazards loaders read; its paths are relative to `folder`."""
        return self.folder / _ODGT[self.split]

    @property
    def manifest(self) -> PurePosixPath:
        """One JSON line for each frame."""
        return self.folder / f"{self.split}.jsonl"

    @property
    def rejected(self) -> PurePosixPath:
        """One JSON line for each scene that was drawn and left out, with the reason."""
        return self.folder / f"{self.split}.rejected.jsonl"

    @property
    def recipe(self) -> PurePosixPath:
        """What the split was made from: scenario, seed, towns, versions."""
        return self.folder / f"{self.split}.recipe.json"

    @property
    def journal(self) -> PurePosixPath:
        """Records of a run that is not finished; gone when it is."""
        return self.folder / f".{self.split}.journal"

    @property
    def lock(self) -> PurePosixPath:
        """Held by the run that makes the split; gone when it is whole."""
        return self.folder / f".{self.split}.lock"

    def shard_lock(self, shard: str) -> PurePosixPath:
        """Held by the run that makes one shard of the split, such as `1-of-4`."""
        return self.folder / f".{self.split}.{shard}.lock"

    def file(self, channel: Channel, town: str, number: int) -> PurePosixPath:
        """The file of a channel; `number` counts from 1 and is not padded."""
        return self.folder / channel.folder / self.split / self.town_folder(town) / f"{number}{channel.suffix}"

    def town_folder(self, town: str) -> str:
        """`t1-3` is one literal name for all training towns; the sixth town has its own test folder."""
        return "t6" if self.split == "test" and town.endswith("06") else _TOWNS[self.split]

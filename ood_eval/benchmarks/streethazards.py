"""StreetHazards on disk: the public archive, and every set written in its layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Literal, cast, get_args

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.images import image_size, read_labels, read_rgb
from ood_eval.benchmarks.formats.labels import CLASS_NAMES, LabelPolicy, PolicyName, check_raw_labels
from ood_eval.benchmarks.formats.layout import Layout, pairs_below, require_split
from ood_eval.benchmarks.formats.odgt import OdgtEntry, read_odgt
from ood_eval.datasets.sample import Sample
from ood_eval.errors import DataError

Split = Literal["training", "validation", "test"]
SPLITS: Final[tuple[str, ...]] = get_args(Split)

# Source: odgt files of the public archives, counted.
OFFICIAL_COUNTS: Final[dict[Split, int]] = {"training": 5125, "validation": 1031, "test": 1500}
_INDEXES: Final[dict[Split, tuple[str, ...]]] = {
    "training": ("train/train.odgt", "training.odgt", "data/training.odgt", "train.odgt"),
    "validation": ("train/validation.odgt", "validation.odgt", "data/validation.odgt"),
    "test": ("test/test.odgt", "test.odgt", "data/test.odgt"),
}
_FLAT_HOMES: Final = ("", "streethazard", "streethazards")
_FLAT_FOLDERS: Final[dict[Split, str]] = {"training": "train", "validation": "val", "test": "test"}


class StreetHazards:
    """One split of a folder in the public StreetHazards layout, or in Mask2Anomaly's without an index.

    Labels are read as raw PNG ids 1..14 and mapped by `policy`; `Sample.anomaly` is None except on `test`, which is
    the only split that may hold anomalies.

    Args:
        root: folder with `train/` and `test/`, or with the `.odgt` files of `create_dataset.py`; or one with
            `{train,val,test}/{images,labels}/` and no index.
        split: which index to read.
        policy: what becomes of `unlabeled` and `other`, or its name.
        official: True asserts the counts of the public set (5125, 1031, 1500).

    Raises:
        ConfigError: the split or the policy is unknown.
        DataError: the folder, the index or a file is missing or damaged, the split is empty, or a count differs.
    """

    name = "streethazards"
    class_names = CLASS_NAMES
    splits: ClassVar[tuple[str, ...]] = SPLITS
    scored: ClassVar[str | None] = "test"

    def __init__(
        self, root: Path, split: str, policy: LabelPolicy | PolicyName | None = None, *, official: bool = False
    ) -> None:
        require_split(self.name, split, self.splits)
        self.root, self.split = root, cast("Split", split)
        self.policy = (
            policy if isinstance(policy, LabelPolicy) else LabelPolicy("keep_all" if policy is None else policy)
        )
        flat = _flat_folder(root, self.split)
        self.index = find_index(root, self.split) if flat is None else flat
        self.entries: tuple[OdgtEntry, ...] = tuple(
            read_odgt(self.index, root) if flat is None else _flat_entries(flat)
        )
        if not self.entries:
            raise DataError(f"{self.index}: lists no images; the {split} split is empty")
        if official and len(self.entries) != OFFICIAL_COUNTS[self.split]:
            want = OFFICIAL_COUNTS[self.split]
            raise DataError(f"{self.index}: {len(self.entries)} images where the official {split} split has {want}")

    def __len__(self) -> int:
        return len(self.entries)

    def files(self, index: int) -> Sequence[Path]:
        """Image and label file of sample `index`."""
        return (self.entries[index].image, self.entries[index].labels)

    def identity(self, index: int) -> str:
        """The name of sample `index`: the folder of its town, and its file."""
        image = self.entries[index].image
        return f"{image.parent.name}/{image.stem}"

    def __getitem__(self, index: int) -> Sample:
        entry = self.entries[index]
        image = read_rgb(entry.image)
        self._check_size(entry, (image.shape[1], image.shape[0]))
        raw = read_labels(entry.labels, (image.shape[0], image.shape[1]))
        test = self.split == "test"
        check_raw_labels(raw, str(entry.labels), anomalies_allowed=test)
        anomaly = self.policy.anomaly(raw) if test else None
        return Sample(self.identity(index), image, self.policy.train_ids(raw), anomaly)

    def check(self) -> None:
        """Compares every image's header with the index, and every label map with its image and the label table.

        Raises:
            DataError: a file is unreadable, a size differs, or a label id is outside the table.
        """
        for entry in self.entries:
            width, height = image_size(entry.image)
            self._check_size(entry, (width, height))
            raw = read_labels(entry.labels, (height, width))
            check_raw_labels(raw, str(entry.labels), anomalies_allowed=self.split == "test")

    def _check_size(self, entry: OdgtEntry, size_px: tuple[int, int]) -> None:
        if entry.size_px is not None and size_px != entry.size_px:
            have, want = (f"{width}x{height}" for width, height in (size_px, entry.size_px))
            raise DataError(f"{entry.image}: is {have} where {self.index.name} says {want}")


def find_index(root: Path, split: Split) -> Path:
    """The split's `.odgt` below `root`.

    Raises:
        DataError: `root` is no folder, or has no index for the split.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give the one that holds train/ and test/")
    for name in _INDEXES[split]:
        if (root / name).is_file():
            return root / name
    raise DataError(f"{root / _INDEXES[split][0]}: missing; {root} holds no {split} split in StreetHazards layout")


def _flat_folder(root: Path, split: Split) -> Path | None:
    if any((root / name).is_file() for name in _INDEXES[split]):
        return None
    folders = (root / home / _FLAT_FOLDERS[split] for home in _FLAT_HOMES)
    return next((folder for folder in folders if (folder / "labels").is_dir()), None)


def _flat_entries(folder: Path) -> list[OdgtEntry]:
    pairs = pairs_below(folder, ("",), (Layout("images/*", "labels/*"),))
    return [OdgtEntry(pair.image, pair.labels, None) for pair in pairs]


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    StreetHazards,
    site="https://github.com/hendrycks/anomaly-seg: streethazards_train.tar and streethazards_test.tar",
    terms="free to download",
    size="11 GB",
    folders=("StreetHazards", "street_hazards"),
    takes_label_policy=True,
)

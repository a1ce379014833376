"""BDD-Anomaly: BDD100K's segmentation set, split anew so that some classes occur in the test split only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.cityscapes import CLASS_NAMES as CITYSCAPES_NAMES
from ood_eval.benchmarks.formats.images import image_size, read_labels, read_rgb
from ood_eval.benchmarks.formats.layout import WAIVER, Layout, Pair, pairs_below, require_split
from ood_eval.benchmarks.formats.presence import values_present
from ood_eval.benchmarks.formats.values import ValueMap
from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID, Sample
from ood_eval.errors import ConfigError, DataError

Variant = Literal["v1", "v2"]
VoidPolicy = Literal["keep_all", "ignore_void"]

# Source: CAOS, the preprint of 2019 (v1) and ICML 2022 with create_bdd_dataset.py (v2); train ids of the files.
ANOMALOUS: Final[dict[str, tuple[int, ...]]] = {"v1": (16, 17), "v2": (16, 17, 18)}
_COUNTS: Final[dict[str, dict[str, int]]] = {
    "v1": {"training": 6688, "validation": 951, "test": 361},
    "v2": {"training": 6280, "validation": 910, "test": 810},
}
_POLICIES: Final = ("keep_all", "ignore_void")
_HOMES: Final = ("", "bdd100k", "seg", "bdd100k/seg")
_FOLDERS: Final = ("train", "val")
_RAW: Final = {value: value for value in range(len(CITYSCAPES_NAMES))} | {VOID: VOID}
# Source: create_bdd_dataset.py of anomaly-seg; its folder train_labels holds train id + 2, with 1 for void.
_CONVERTED: Final = {value + 2: value for value in range(len(CITYSCAPES_NAMES))} | {1: VOID}
_CONVERTED_FOLDER: Final = "train_labels"


class BddAnomaly:
    """One split of one variant, made from the folders of BDD100K by the rule of the paper.

    The images of train and val are pooled; an image with a single pixel of an anomalous class belongs to `test`, all
    others stay in their split. Riders are known although they sit on bicycles.

    Layouts: `seg/images/{train,val}/<id>.jpg` with `seg/labels/.../<id>_train_id.png` (or `seg/train_labels`, already
    converted), and `images/10k/{train,val}/<id>.jpg` with `labels/sem_seg/masks/.../<id>.png`.

    Args:
        root: folder with `seg/`, or with `images/` and `labels/`.
        split: `training`, `validation` or `test`.
        variant: v1 = train and motorcycle are anomalous; v2 = bicycle as well.
        policy: keep_all = void is the known class "background", as in CAOS; ignore_void = it is dropped.
        official: False allows other counts than the published ones.

    Source: Hendrycks et al. 2022 (https://arxiv.org/abs/1911.11132), section 5.1.

    Raises:
        ConfigError: split, variant or policy is unknown.
        DataError: the set is incomplete or damaged, or its counts are not those of the variant.
    """

    name = "bdd_anomaly"
    splits: ClassVar[tuple[str, ...]] = ("training", "validation", "test")
    scored: ClassVar[str | None] = "test"

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        variant: Variant = "v2",
        policy: VoidPolicy = "keep_all",
        official: bool = True,
    ) -> None:
        require_split(self.name, split, self.splits)
        if variant not in ANOMALOUS or policy not in _POLICIES:
            raise ConfigError(
                f"bdd_anomaly: no variant {variant!r} with policy {policy!r}; variants are {', '.join(ANOMALOUS)}, "
                f"policies {', '.join(_POLICIES)}"
            )
        self.split, self.variant, self.policy = split, variant, policy
        pooled = {folder: _pairs(root, folder) for folder in _FOLDERS}
        kinds = {pair.labels.parent.parent.name == _CONVERTED_FOLDER for pairs in pooled.values() for pair in pairs}
        if len(kinds) > 1:
            raise DataError(
                f"{root}: has labels for one of train and val, {_CONVERTED_FOLDER} for the other; unpack again"
            )
        self._raw = ValueMap(_CONVERTED if True in kinds else _RAW)
        splits = self._divided(pooled)
        if official:
            _require_variant({name: len(pairs) for name, pairs in splits.items()}, variant)
        self.pairs: tuple[Pair, ...] = tuple(splits[split])
        if not self.pairs:
            raise DataError(f"{root}: the {split} split of bdd_anomaly {variant} is empty")
        self.class_names, self._classes = _classes(variant, policy)
        self._anomaly = np.full(256, KNOWN, dtype=np.uint8)
        self._anomaly[list(ANOMALOUS[variant])] = ANOMALY
        self._anomaly[VOID] = KNOWN if policy == "keep_all" else VOID

    def __len__(self) -> int:
        return len(self.pairs)

    def files(self, index: int) -> Sequence[Path]:
        """Image and label file of sample `index`."""
        return (self.pairs[index].image, self.pairs[index].labels)

    def identity(self, index: int) -> str:
        """The name of sample `index`, as its place below the root tells."""
        return self.pairs[index].id

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[index]
        image = read_rgb(pair.image)
        ids = self._raw(read_labels(pair.labels, (image.shape[0], image.shape[1])), str(pair.labels))
        return Sample(pair.id, image, self._classes[ids], self._anomaly[ids] if self.split == "test" else None)

    def check(self) -> None:
        """Compares every label map with its image's header and with the table of ids.

        Raises:
            DataError: a file is unreadable, a size differs, or an id is outside the table.
        """
        for pair in self.pairs:
            width, height = image_size(pair.image)
            self._raw(read_labels(pair.labels, (height, width)), str(pair.labels))

    def _divided(self, pooled: dict[str, tuple[Pair, ...]]) -> dict[str, list[Pair]]:
        every = [(folder, pair) for folder in _FOLDERS for pair in pooled[folder]]
        wanted = ANOMALOUS["v2"]
        present = values_present([pair.labels for _, pair in every], wanted, self._train_ids)
        splits: dict[str, list[Pair]] = {name: [] for name in self.splits}
        for (folder, pair), values in zip(every, present, strict=True):
            anomalous = not values.isdisjoint(ANOMALOUS[self.variant])
            splits["test" if anomalous else "training" if folder == "train" else "validation"].append(pair)
        return splits

    def _train_ids(self, path: Path) -> NDArray[np.uint8]:
        width, height = image_size(path)
        return self._raw(read_labels(path, (height, width)), str(path))


def _pairs(root: Path, folder: str) -> tuple[Pair, ...]:
    images = (f"seg/images/{folder}/*", f"images/{folder}/*", f"images/10k/{folder}/*")
    labels = (f"seg/labels/{folder}/*", f"labels/{folder}/*", f"labels/sem_seg/masks/{folder}/*")
    layouts = [Layout(image, f"{label}_train_id") for image, label in zip(images, labels, strict=True)]
    layouts += [Layout(image, label) for image, label in zip(images, labels, strict=True)]
    layouts += [
        Layout(image, label.replace("labels", _CONVERTED_FOLDER) + "_train_id")
        for image, label in zip(images[:2], labels[:2], strict=True)
    ]
    pairs = pairs_below(root, _HOMES, layouts)
    return tuple(Pair(f"{folder}/{pair.id}", pair.image, pair.labels) for pair in pairs)


def _classes(variant: str, policy: str) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Class names, and the table from train ids to them; anomalous ids are void."""
    known = [value for value in range(len(CITYSCAPES_NAMES)) if value not in ANOMALOUS[variant]]
    first = 1 if policy == "keep_all" else 0
    table = np.full(256, VOID, dtype=np.uint8)
    table[known] = np.arange(first, first + len(known), dtype=np.uint8)
    if first:
        table[VOID] = 0
    names = tuple(CITYSCAPES_NAMES[value] for value in known)
    return (("background", *names) if first else names), table


def _require_variant(counts: dict[str, int], variant: str) -> None:
    if counts == _COUNTS[variant]:
        return
    have, want = (", ".join(f"{name} {count}" for name, count in c.items()) for c in (counts, _COUNTS[variant]))
    other = next((name for name, known in _COUNTS.items() if counts == known), None)
    hint = f"these are the counts of {other}" if other else "the set is incomplete or mixed"
    raise DataError(f"bdd_anomaly {variant}: has {have}, must have {want}; {hint}{WAIVER}")


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    BddAnomaly,
    site="https://bdd-data.berkeley.edu: 10K images and semantic segmentation labels of BDD100K",
    terms="registration; BDD100K licence",
    size="1.3 GB",
    folders=("bdd100k", "BDD100K"),
)

"""Any set that is a folder of images and a folder of masks, ClimaOoD among them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as pydantic_dataclass

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.images import image_size, read_labels
from ood_eval.benchmarks.formats.layout import (
    PICTURE,
    Layout,
    Pair,
    matching,
    pair_up,
    pairs_below,
    require_count,
    require_folder,
    require_split,
    without_previews,
)
from ood_eval.benchmarks.formats.masked import MaskedImages
from ood_eval.benchmarks.formats.values import BINARY, ValueMap
from ood_eval.config import checked, load_config
from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID, Sample
from ood_eval.errors import ConfigError, DataError

FILE: Final = "folders.yaml"
_MEANINGS: Final = {KNOWN, ANOMALY, VOID}


@pydantic_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FolderLayout:
    """Where the files are and what their values mean; each pattern has one last `*`, which pairs the files.

    Patterns have no file ending; `{split}` stands for the split.

    Args:
        name: of the benchmark, as rows carry it.
        images: pattern of the images.
        masks: pattern of the anomaly masks; "" for a set without.
        values: raw value of a mask -> 0 known, 1 anomaly, 255 void. If not given, the masks hold these, and one with
            255 but no 1 is refused: it may as well be an anomaly mask of 0 and 255.
        classes: pattern of the class maps; "" for a set without.
        class_values: raw value of a class map -> train id, or 255 void.
        class_names: names of the train ids.
        splits: names of the splits, each with its count of samples, None for any.
    """

    name: str = "folders"
    images: str = "images/*"
    masks: str = "masks/*"
    values: dict[int, int] | None = None
    classes: str = ""
    class_values: dict[int, int] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    splits: dict[str, int | None] = field(default_factory=lambda: {"test": None})

    def __post_init__(self) -> None:
        patterns = [self.images, *filter(None, (self.masks, self.classes))]
        if len(patterns) == 1:
            raise ConfigError(f"{self.name}: give a pattern for masks, for classes, or both")
        for pattern in patterns:
            fault = _fault_of(pattern)
            if fault:
                raise ConfigError(f"{self.name}: the pattern {pattern!r} {fault}")
        if not self.splits:
            raise ConfigError(f"{self.name}: splits is empty; name at least one, as `test: null`")
        if self.values is not None and not set(self.values.values()) <= _MEANINGS:
            raise ConfigError(f"{self.name}: values of masks become 0 known, 1 anomaly or 255 void, not {self.values}")
        if self.classes and set(self.class_values.values()) - {VOID} != set(range(len(self.class_names))):
            raise ConfigError(
                f"{self.name}: class_values must give each of the {len(self.class_names)} class_names an id"
            )


def _fault_of(pattern: str) -> str:
    """What is wrong with a pattern, or nothing."""
    last = pattern.rpartition("/")[2]
    if PurePosixPath(pattern).as_posix() != pattern:
        return f"must be written {PurePosixPath(pattern).as_posix()!r}"
    if pattern.startswith("/") or ".." in pattern.split("/"):
        return "must lie below the folder of the set"
    if last.count("*") != 1 or "**" in pattern or set("?[]") & set(pattern):
        return "must have one * in its last part, and no other sign of that kind than single stars"
    if re.search(PICTURE + "$", last, re.IGNORECASE):
        return "must have no file ending"
    return ""


class Folders(MaskedImages):
    """A split of a set described by a `FolderLayout`, given or read from `folders.yaml` in `root`.

    ClimaOoD's own layout on disk is not public; this claims no fidelity to it.

    Raises:
        ConfigError: the description or the split is wrong.
        DataError: the set is incomplete, or a count differs from the description's.
    """

    splits: ClassVar[tuple[str, ...]] = tuple(FolderLayout().splits)
    scored: ClassVar[str | None] = "test"

    def __init__(self, root: Path, split: str, *, layout: FolderLayout | Mapping[str, Any] | None = None) -> None:
        require_folder(root)
        self.layout = layout if isinstance(layout, FolderLayout) else read_layout(root, layout)
        require_split(self.layout.name, split, self.layout.splits)
        images = self.layout.images.replace("{split}", split)
        labels = (self.layout.masks or self.layout.classes).replace("{split}", split)
        pairs = pairs_below(root, ("",), (Layout(images, labels),))
        super().__init__(self.layout.name, pairs, BINARY if self.layout.values is None else self.layout.values)
        self._class_maps: tuple[Path, ...] = ()
        if self.layout.classes:
            self._class_maps = _class_maps(root, self.layout.classes.replace("{split}", split), images, pairs)
            self.class_names = self.layout.class_names
            self._class_values = ValueMap(self.layout.class_values)
        want = self.layout.splits[split]
        if want is not None:
            require_count(self.name, split, len(self), want, f"; or correct the count in {FILE}")

    def files(self, index: int) -> tuple[Path, ...]:
        """Image, mask and class map of sample `index`, as far as the set has them."""
        mask = (self.pairs[index].labels,) if self.layout.masks else ()
        return (self.pairs[index].image, *mask, *self._class_maps[index : index + 1])

    def __getitem__(self, index: int) -> Sample:
        if not self.layout.classes:
            sample = super().__getitem__(index)
            self._refuse_ambiguous(index, sample.anomaly)
            return sample
        image = self._image(index)
        size = (image.shape[0], image.shape[1])
        classes = self._classes(index, size)
        anomaly = None
        if self.layout.masks:
            labels = self.pairs[index].labels
            anomaly = self._values(read_labels(labels, size), str(labels))
            self._refuse_ambiguous(index, anomaly)
            classes = np.where(anomaly == ANOMALY, np.uint8(VOID), classes)
        return Sample(self.pairs[index].id, image, classes, anomaly)

    def check(self) -> None:
        """Compares every mask and class map with its image's header and with the tables.

        Raises:
            DataError: a file is unreadable, a size differs, or a value is outside its table.
        """
        if self.layout.masks:
            super().check()
        for index in range(len(self._class_maps)):
            width, height = image_size(self.pairs[index].image)
            self._classes(index, (height, width))

    def _refuse_ambiguous(self, index: int, anomaly: NDArray[np.uint8] | None) -> None:
        """Refuses a mask of 0 and 255 of which nobody has said whether 255 is an anomaly.

        Raises:
            DataError: it is such a mask.
        """
        if self.layout.values is None and anomaly is not None and VOID in anomaly and ANOMALY not in anomaly:
            raise DataError(
                f"{self.pairs[index].labels}: holds 255 and no 1; say in {FILE} what 255 means: `values: {{0: 0, 1: 1, "
                "255: 1}` an anomaly, `values: {0: 0, 1: 1, 255: 255}` void"
            )

    def _classes(self, index: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        path = self._class_maps[index]
        return self._class_values(read_labels(path, size), str(path))


def read_layout(root: Path, given: Mapping[str, Any] | None = None) -> FolderLayout:
    """The description given, else that of `folders.yaml` in `root`, else the default one.

    Raises:
        ConfigError: it has a misspelt key or a wrong value, which the message names.
    """
    if given is not None:
        layout: FolderLayout = checked(FolderLayout, given, "layout")
        return layout
    path = root / FILE
    if path.is_file():
        return load_config(FolderLayout, path)
    if path.exists() or path.with_suffix(".yml").exists():
        raise ConfigError(f"{root}: the description must be a file named {FILE}")
    return FolderLayout()


def _splits_in(root: Path, options: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(read_layout(root, options.get("layout")).splits)


def _class_maps(root: Path, pattern: str, images: str, pairs: tuple[Pair, ...]) -> tuple[Path, ...]:
    layout = Layout(images, pattern)
    keys = {path: key for key, path in matching(root, images, stars=layout.stars).items()}
    found = without_previews(matching(root, pattern, stars=layout.stars), keys.values())
    matched = pair_up(root, {keys[pair.image]: pair.image for pair in pairs}, found)
    by_image = {pair.image: pair.labels for pair in matched}
    return tuple(by_image[pair.image] for pair in pairs)


BENCHMARK: Final = Benchmark(
    Folders,
    site="your own disk: a folder of images, one of masks, a folders.yaml that tells of them; ClimaOoD is not public",
    terms="its owner's",
    size="its own",
    folders=("climaood", "ClimaOoD"),
    splits_in=_splits_in,
)

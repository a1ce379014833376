"""Cityscapes with its nineteen train ids, for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from ood_eval.benchmarks.benchmark import Benchmark
from ood_eval.benchmarks.formats.images import image_size, read_labels, read_rgb
from ood_eval.benchmarks.formats.layout import Layout, pairs_below, require_count, require_split
from ood_eval.benchmarks.formats.values import ValueMap
from ood_eval.datasets.sample import VOID, Sample

# Source: label table of mcordts/cityscapesScripts; (id in gtFine_labelIds, name), in the order of the train ids.
_TABLE: Final = (
    (7, "road"),
    (8, "sidewalk"),
    (11, "building"),
    (12, "wall"),
    (13, "fence"),
    (17, "pole"),
    (19, "traffic light"),
    (20, "traffic sign"),
    (21, "vegetation"),
    (22, "terrain"),
    (23, "sky"),
    (24, "person"),
    (25, "rider"),
    (26, "car"),
    (27, "truck"),
    (28, "bus"),
    (31, "train"),
    (32, "motorcycle"),
    (33, "bicycle"),
)
CLASS_NAMES: Final = tuple(name for _, name in _TABLE)
# Ids 0..33, and 255 for the licence plate's -1; what has no train id is void.
_LABEL_IDS: Final = dict.fromkeys((*range(34), 255), VOID) | {raw: train for train, (raw, _) in enumerate(_TABLE)}
_TRAIN_IDS: Final = {train: train for train in range(len(_TABLE))} | {VOID: VOID}
_FOLDER: Final = {"training": "train", "validation": "val"}
_OFFICIAL_COUNTS: Final = {"training": 2975, "validation": 500}
_HOMES: Final = ("", "cityscapes", "Cityscapes")


class Cityscapes:
    """Images with classes; there are no anomalies in it, so `Sample.anomaly` is None.

    Layout: `leftImg8bit/{train,val}/<city>/<stem>_leftImg8bit.png` with `gtFine/.../<stem>_gtFine_labelTrainIds.png`
    or, where those were not made, `<stem>_gtFine_labelIds.png`.

    Source: Cordts et al. 2016 (https://arxiv.org/abs/1604.01685).

    Raises:
        ConfigError: the split is unknown.
        DataError: the labels are hidden, the set is incomplete, or a count is not 2975 or 500 (unless `official` is
            False).
    """

    name = "cityscapes"
    class_names = CLASS_NAMES
    splits: ClassVar[tuple[str, ...]] = ("training", "validation")
    scored: ClassVar[str | None] = None

    def __init__(self, root: Path, split: str, *, official: bool = True) -> None:
        require_split(self.name, split, self.splits, {"test": "https://www.cityscapes-dataset.com"})
        folder = _FOLDER[split]
        images = f"leftImg8bit/{folder}/*/*_leftImg8bit"
        layouts = [Layout(images, f"gtFine/{folder}/*/*_gtFine_{kind}") for kind in ("labelTrainIds", "labelIds")]
        self.pairs = pairs_below(root, _HOMES, layouts)
        self._values = ValueMap(_TRAIN_IDS if self.pairs[0].labels.stem.endswith("TrainIds") else _LABEL_IDS)
        if official:
            require_count(self.name, split, len(self), _OFFICIAL_COUNTS[split])

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
        raw = read_labels(pair.labels, (image.shape[0], image.shape[1]))
        return Sample(pair.id, image, self._values(raw, str(pair.labels)), None)

    def attributes(self, index: int) -> Mapping[str, Any]:
        """The city, as the scene."""
        return {"scene": self.pairs[index].image.parent.name}

    def check(self) -> None:
        """Compares every label map with its image's header and with the table of ids.

        Raises:
            DataError: a file is unreadable, a size differs, or an id is outside the table.
        """
        for pair in self.pairs:
            width, height = image_size(pair.image)
            self._values(read_labels(pair.labels, (height, width)), str(pair.labels))


# Source: the set's own page and archive; the size as published there.
BENCHMARK: Final = Benchmark(
    Cityscapes,
    site="https://www.cityscapes-dataset.com: leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip",
    terms="registration; for research",
    size="11 GB",
    folders=("Cityscapes",),
)

"""Benchmarks that are images with anomaly masks and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ood_eval.benchmarks.formats.images import image_size, read_labels, read_rgb
from ood_eval.benchmarks.formats.layout import Pair
from ood_eval.benchmarks.formats.values import ValueMap
from ood_eval.datasets.sample import Sample
from ood_eval.errors import DataError


class MaskedImages:
    """Pairs of an image and a mask; images may differ in size.

    Args:
        name: of the benchmark.
        pairs: what the split holds.
        values: what each value of a mask means.

    Raises:
        DataError: there is no pair.
    """

    # These sets have no class labels; any segmenter may be scored on them.
    class_names: tuple[str, ...] = ()

    def __init__(self, name: str, pairs: Sequence[Pair], values: Mapping[int, int]) -> None:
        if not pairs:
            raise DataError(f"{name}: the split is empty")
        self.name, self.pairs, self._values = name, tuple(pairs), ValueMap(values)

    def __len__(self) -> int:
        return len(self.pairs)

    def files(self, index: int) -> Sequence[Path]:
        """The files that sample `index` is read from."""
        return (self.pairs[index].image, self.pairs[index].labels)

    def identity(self, index: int) -> str:
        """The name of sample `index`, as its place below the root tells."""
        return self.pairs[index].id

    def __getitem__(self, index: int) -> Sample:
        pair = self.pairs[index]
        image = self._image(index)
        anomaly = self._values(read_labels(pair.labels, (image.shape[0], image.shape[1])), str(pair.labels))
        return Sample(pair.id, image, None, anomaly)

    def check(self) -> None:
        """Compares every mask with its image's header and with the table of values.

        Raises:
            DataError: a file is unreadable, a size differs, or a value is outside the table.
        """
        for pair in self.pairs:
            width, height = image_size(pair.image)
            self._values(read_labels(pair.labels, (height, width)), str(pair.labels))

    def _image(self, index: int) -> NDArray[np.uint8]:
        return read_rgb(self.pairs[index].image)

"""A sample of a benchmark, and what a benchmark must offer to be trained on or scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ood_eval.errors import DataError

KNOWN: Final = 0
ANOMALY: Final = 1
VOID: Final = 255


@dataclass(frozen=True, slots=True)
class Sample:
    """One image and what is known of its pixels; arrays are checked and made read-only.

    `image` is [H,W,3] u8 RGB; `classes` [H,W] u8 train ids with 255 void; `anomaly` [H,W] u8 with 0 known,
    1 anomaly, 255 void. A benchmark without one of the two label maps holds None there.

    Raises:
        DataError: an array has another shape or dtype.
    """

    id: str
    image: NDArray[np.uint8]
    classes: NDArray[np.uint8] | None
    anomaly: NDArray[np.uint8] | None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise DataError(f"sample {self.id}: image is {self.image.dtype}{self.image.shape}, not uint8 [H,W,3]")
        for name, labels in (("classes", self.classes), ("anomaly", self.anomaly)):
            if labels is None:
                continue
            if labels.shape != self.image.shape[:2] or labels.dtype != np.uint8:
                size = self.image.shape[:2]
                raise DataError(f"sample {self.id}: {name} is {labels.dtype}{labels.shape}, not uint8 {size}")
            labels.setflags(write=False)
        self.image.setflags(write=False)


class SegDataset(Protocol):
    """A split of a benchmark: samples by index, and the files they come from."""

    @property
    def name(self) -> str:
        """The benchmark's name, as rows carry it."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the train ids that `Sample.classes` may hold, in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def files(self, index: int) -> Sequence[Path]:
        """The files that sample `index` is read from."""


@runtime_checkable
class Described(Protocol):
    """A split that knows more of its samples than their pixels."""

    def attributes(self, index: int) -> Mapping[str, Any]:
        """JSON values by name: weather, town, anomalies, ... of sample `index`."""


def attributes_of(dataset: SegDataset, index: int) -> Mapping[str, Any]:
    """What a split knows of sample `index`; nothing, where it knows nothing."""
    return dataset.attributes(index) if isinstance(dataset, Described) else {}


@runtime_checkable
class Named(Protocol):
    """A split that knows the names of its samples without reading them."""

    def identity(self, index: int) -> str:
        """`Sample.id` of sample `index`."""


def identity_of(dataset: SegDataset, index: int) -> str:
    """The name of sample `index`, or, of a split that must read a sample to know it, folder and name of its files."""
    if isinstance(dataset, Named):
        return dataset.identity(index)
    return " ".join(f"{path.parent.name}/{path.name}" for path in dataset.files(index))


@runtime_checkable
class TellsObjects(Protocol):
    """A split that tells its anomalous objects apart."""

    def instances(self, index: int) -> NDArray[np.uint16] | None:
        """Instance numbers [H,W] u16 of sample `index`; an anomaly's pixels hold the `instance` of its attributes."""


def instances_of(dataset: SegDataset, index: int) -> NDArray[np.uint16] | None:
    """Instance numbers [H,W] u16 of sample `index`; None, where the split does not tell objects apart."""
    return dataset.instances(index) if isinstance(dataset, TellsObjects) else None


@runtime_checkable
class KeepsObjects(Protocol):
    """A split that reads instance numbers from files which `files` does not name."""

    def instance_files(self, index: int) -> Sequence[Path]:
        """The files that instance numbers of sample `index` are read from; none, where nobody would ask for them."""


def instance_files_of(dataset: SegDataset, index: int) -> Sequence[Path]:
    """The files besides `files` that decide which object a pixel of sample `index` belongs to."""
    return dataset.instance_files(index) if isinstance(dataset, KeepsObjects) else ()


@dataclass(frozen=True, slots=True)
class First:
    """The first `count` samples of a split, for quick runs.

    Raises:
        DataError: `count` is below one.
    """

    whole: SegDataset
    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise DataError(f"{self.whole.name}: a limit of {self.count} samples leaves nothing; give at least 1")

    @property
    def name(self) -> str:
        """The name of the whole split."""
        return self.whole.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names of the whole split."""
        return self.whole.class_names

    def __len__(self) -> int:
        return min(self.count, len(self.whole))

    def __getitem__(self, index: int) -> Sample:
        return self.whole[range(len(self))[index]]

    def files(self, index: int) -> Sequence[Path]:
        """The files that sample `index` is read from."""
        return self.whole.files(range(len(self))[index])

    def identity(self, index: int) -> str:
        """The name of sample `index`."""
        return identity_of(self.whole, range(len(self))[index])

    def instance_files(self, index: int) -> Sequence[Path]:
        """The files that instance numbers of sample `index` are read from."""
        return instance_files_of(self.whole, range(len(self))[index])

    def attributes(self, index: int) -> Mapping[str, Any]:
        """What the whole split knows of sample `index`."""
        return attributes_of(self.whole, range(len(self))[index])

    def instances(self, index: int) -> NDArray[np.uint16] | None:
        """Instance numbers [H,W] u16 of sample `index`; None, where the whole split does not tell objects apart."""
        return instances_of(self.whole, range(len(self))[index])


def policy_of(dataset: SegDataset) -> str:
    """The name of the label policy that a split was made with; "" where its set has but one."""
    policy = getattr(dataset.whole if isinstance(dataset, First) else dataset, "policy", "")
    return policy if isinstance(policy, str) else str(policy.name)


def samples(dataset: SegDataset) -> Iterator[Sample]:
    """All samples in order, one in memory at a time."""
    return (dataset[index] for index in range(len(dataset)))

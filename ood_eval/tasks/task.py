"""What a task is: what a sample is to the engine, what is counted of it, and what is kept for a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.sample import SegDataset
from ood_eval.metrics import Number
from ood_eval.tasks.image_record import ImageRecord

if TYPE_CHECKING:
    from ood_eval.networks import Prediction

StateArrays = dict[str, NDArray[Any]]
# What is counted besides the protocols: what the segmenter and the labels tell, and each image's own numbers.
FACTS: Final = "facts"
IMAGES: Final = "images"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a suite says of a benchmark besides its data.

    Args:
        track: component sizes that count, by name.
        open_miou: whether the segmenter's open-set mIoU is measured.
        classes: how the segmenter's classes are those of the benchmark.
    """

    track: str
    open_miou: bool
    classes: ClassMap


class KeptMaps(Protocol):
    """What `Task.maps` made of every image, read once more after the last."""

    def names(self, index: int) -> frozenset[str]:
        """What is kept of an image.

        Raises:
            ResultError: it is damaged.
        """

    def load(self, index: int, *names: str) -> tuple[NDArray[Any], ...]:
        """Arrays of an image by name.

        Raises:
            ResultError: one is missing or damaged.
        """


class Count(Protocol):
    """Something counted over images: a commutative monoid, exact, so that images may be cut and merged anyhow."""

    def update(self, observed: Any, seconds: float) -> None:  # noqa: ANN401
        """Counts one image: what `Task.segmented` or `Task.scored` made of it, and the time that it took."""

    def state(self) -> StateArrays:
        """Everything counted, as plain arrays."""

    def add_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Adds what `state` of another instance gave."""


class Task(Protocol):
    """What the engine asks of a task; shapes of labels and scores are the task's own.

    An item is what the task reads of one sample. Scores are what `Detector.score` gives of it, without the batch.
    """

    name: ClassVar[str]

    def item(self, split: SegDataset, index: int) -> Any:  # noqa: ANN401
        """Sample `index` with everything that is counted of it.

        Raises:
            DataError: the sample is damaged or lacks the labels of this task.
        """

    def segmented(self, item: Any, prediction: Prediction, classes: ClassMap) -> Any:  # noqa: ANN401
        """What the network alone says of an item, in the classes of its set, for the count `FACTS`."""

    def unsegmented(self, item: Any) -> Any:  # noqa: ANN401
        """What is said of an item, for the count `FACTS`, where no network has seen it."""

    def scored(self, item: Any, scores: NDArray[np.float32]) -> Any:  # noqa: ANN401
        """What a detector's scores say of an item, for every other count.

        Raises:
            DetectorError: the scores have the wrong shape or are not finite float32.
        """

    def failure(self, scored: Sequence[Any]) -> tuple[float | None, float | None]:
        """How much several detectors fail on an item: false alarms (larger is worse) and hits (smaller is worse)."""

    def measures(self, protocols: Sequence[str], settings: Settings) -> tuple[str, ...]:
        """What is counted of each detector: `IMAGES`, and what the protocols need."""

    def facts_of(self, measure: str, settings: Settings) -> dict[str, object]:
        """What a measure depends on, as JSON values; the hash of the code that counts it is `code`."""

    def keeps_maps(self, measure: str) -> bool:
        """Whether a measure needs what `maps` keeps once more after the last image."""

    def count(self, measure: str, classes: int) -> Count:
        """A fresh count of a measure, which may be `FACTS`."""

    def at_the_end(
        self,
        measure: str,
        scorer: str,
        state: Mapping[str, NDArray[Any]],
        facts: Mapping[str, NDArray[Any]],
        maps: KeptMaps,
        settings: Settings,
    ) -> list[Number]:
        """Numbers of a measure that keeps maps.

        Args:
            measure: which.
            scorer: the name under which `maps` was given the detector's scores.
            state: of its count over all images.
            facts: state of `FACTS` over all images.
            maps: what `maps` kept of every image.
            settings: of the benchmark.
        """

    def maps(self, item: Any, segmented: Any, scores: Mapping[str, NDArray[np.float32]]) -> StateArrays:  # noqa: ANN401
        """What is kept of an item until the end, for numbers whose threshold is known only then."""

    def frame(self, item: Any, segmented: Any, scores: Mapping[str, NDArray[np.float32]]) -> StateArrays:  # noqa: ANN401
        """What a report shows of an item."""

    def records(
        self, facts: Mapping[str, NDArray[Any]], images: Mapping[str, Mapping[str, NDArray[Any]]]
    ) -> Iterator[ImageRecord]:
        """The images in order, from the state of `FACTS` and, by detector, of `IMAGES`."""

    def failures(self, records: Iterable[ImageRecord]) -> Iterator[tuple[int, float | None, float | None]]:
        """Index and failure of each image."""

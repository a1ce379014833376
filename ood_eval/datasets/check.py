"""The contract of data sets as a check that anyone can run on their own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ood_eval.datasets.sample import ANOMALY, KNOWN, VOID, Sample, SegDataset, attributes_of
from ood_eval.errors import DataError


@dataclass(slots=True)
class Survey:
    """What was counted while a set was checked.

    `sizes_px` counts images by (width, height); the pixel counts are of the anomaly maps.
    """

    samples: int = 0
    without_anomaly: int = 0
    known: int = 0
    anomaly: int = 0
    void: int = 0
    sizes_px: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        """Counts a sample."""
        self.samples += 1
        self.sizes_px[sample.image.shape[1], sample.image.shape[0]] += 1
        if sample.anomaly is None:
            return
        counts = np.bincount(sample.anomaly.ravel(), minlength=256)
        self.known += int(counts[KNOWN])
        self.anomaly += int(counts[ANOMALY])
        self.void += int(counts[VOID])
        self.without_anomaly += int(counts[ANOMALY] == 0)

    @property
    def dropped_share(self) -> float:
        """Share of pixels that the labels or the policy drop; 0 for a set without anomaly maps."""
        return self.void / max(self.known + self.anomaly + self.void, 1)

    @property
    def anomaly_share(self) -> float:
        """Share of anomalous pixels among those that count."""
        return self.anomaly / max(self.known + self.anomaly, 1)

    def __str__(self) -> str:
        sizes = ", ".join(
            f"{w}x{h}" + (f" ({n})" if len(self.sizes_px) > 1 else "") for (w, h), n in self.sizes_px.items()
        )
        text = f"{self.samples} samples, {sizes} px"
        if self.known + self.anomaly + self.void == 0:
            return text
        return (
            f"{text}, {self.anomaly_share:.3%} anomalous, {self.without_anomaly} images without anomaly, "
            f"{self.dropped_share:.2%} of pixels dropped"
        )


def check_dataset(dataset: SegDataset) -> Survey:
    """Reads a whole split and refuses any breach of the contract; returns what was counted.

    Checked: it is not empty; each sample can be read, its files exist, its name is its own; classes are train ids or
    255, anomalies 0, 1 or 255; anomalous pixels have no class; all samples have the same kinds of labels and at least
    one; some image holds an anomaly, where there are anomaly maps (all zero means hidden labels); the same index
    gives the same sample twice; an index past the end is an IndexError; attributes are JSON.

    Raises:
        DataError: which rule is broken, and where.
    """
    survey = Survey()
    for finding in findings(dataset, survey):
        raise DataError(finding)
    return survey


def findings(dataset: SegDataset, survey: Survey) -> Iterator[str]:
    """Every breach of the contract of `check_dataset`, one line each; images are read one at a time."""
    if len(dataset) < 1:
        yield f"{dataset.name}: the split is empty"
        return
    seen: set[str] = set()
    kinds: tuple[bool, bool] | None = None
    for index in range(len(dataset)):
        where = f"{dataset.name} sample {index}"
        missing = [path for path in dataset.files(index) if not path.is_file()]
        if missing or not dataset.files(index):
            yield f"{where}: {missing[0] if missing else 'its list of files'}: missing"
            continue
        try:
            sample = dataset[index]
        except DataError as error:
            yield str(error)
            continue
        survey.add(sample)
        if sample.id in seen:
            yield f"{where}: the name {sample.id} is taken by an earlier sample"
        seen.add(sample.id)
        has = (sample.classes is not None, sample.anomaly is not None)
        if kinds is not None and has != kinds:
            yield f"{where}: has other kinds of labels than the samples before it"
        kinds = kinds or has
        yield from (f"{where} ({sample.id}): {breach}" for breach in _sample_breaches(dataset, index, sample))
    yield from _end_breaches(dataset)
    if kinds is not None and kinds[1] and survey.anomaly == 0:
        yield f"{dataset.name}: no image holds an anomaly; the labels are hidden, or the value map is wrong"


def _sample_breaches(dataset: SegDataset, index: int, sample: Sample) -> Iterator[str]:
    if sample.classes is None and sample.anomaly is None:
        yield "has no labels of any kind"
    if sample.classes is not None:
        wrong = _outside(sample.classes, range(len(dataset.class_names)))
        if wrong is not None:
            yield f"class {wrong} is neither one of the {len(dataset.class_names)} train ids nor {VOID}"
    if sample.anomaly is not None:
        wrong = _outside(sample.anomaly, range(KNOWN, ANOMALY + 1))
        if wrong is not None:
            yield f"anomaly map holds {wrong}, not only {KNOWN}, {ANOMALY} and {VOID}"
    if (
        sample.classes is not None
        and sample.anomaly is not None
        and np.any(sample.classes[sample.anomaly == ANOMALY] != VOID)
    ):
        yield f"anomalous pixels have a class; it must be {VOID}, or they would be trained on"
    try:
        json.dumps(dict(attributes_of(dataset, index)), allow_nan=False)
    except (TypeError, ValueError) as error:
        yield f"attributes are not JSON: {error}"
    except DataError as error:
        yield str(error)


def _end_breaches(dataset: SegDataset) -> Iterator[str]:
    if len(set(dataset.class_names)) != len(dataset.class_names):
        yield f"{dataset.name}: two classes have one name"
    try:
        first, again = dataset[0], dataset[0]
    except DataError:
        return
    pairs = ((first.image, again.image), (first.classes, again.classes), (first.anomaly, again.anomaly))
    if first.id != again.id or not all(_same(a, b) for a, b in pairs):
        yield f"{dataset.name}: sample 0 differs when read twice"
    try:
        dataset[len(dataset)]
    except IndexError:
        return
    yield f"{dataset.name}: index {len(dataset)} is past the end and raises no IndexError"


def _outside(labels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], allowed: range) -> int | None:
    counts = np.bincount(labels.ravel(), minlength=256)
    counts[allowed.start : allowed.stop] = 0
    counts[VOID] = 0
    wrong = np.flatnonzero(counts)
    return int(wrong[0]) if wrong.size else None


def _same(
    a: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None, b: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None
) -> bool:
    return a is b if a is None or b is None else np.array_equal(a, b)

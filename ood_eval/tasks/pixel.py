"""Anomaly segmentation: every pixel has a label and a score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.code import code_of, text_of
from ood_eval.datasets.class_map import ClassMap
from ood_eval.datasets.sample import SegDataset, attributes_of, instances_of
from ood_eval.errors import DataError
from ood_eval.metrics import OPEN, PROTOCOLS, Number, ScoredImage, counting_protocol, make_protocol, ranking_curve
from ood_eval.tasks.counts import FactsCount, ImagesCount, NothingCount
from ood_eval.tasks.image_record import ImageRecord, ObjectRecord
from ood_eval.tasks.observations import PixelItem, Scored, Segmented
from ood_eval.tasks.open_set import open_number
from ood_eval.tasks.protocol_count import ProtocolCount
from ood_eval.tasks.task import FACTS, IMAGES, Count, KeptMaps, Settings, StateArrays

if TYPE_CHECKING:
    from ood_eval.networks import Prediction

_WIDEST_PX: Final = 640


class PixelTask:
    """Anomaly segmentation, where S = (H,W)."""

    name: ClassVar[str] = "pixel"

    def item(self, split: SegDataset, index: int) -> PixelItem:
        """Sample `index`, its attributes, and the masks of its objects where its set tells them apart.

        Raises:
            DataError: the sample is damaged or has no anomaly labels.
        """
        sample = split[index]
        if sample.anomaly is None:
            raise DataError(f"sample {sample.id} has no anomaly labels; score a test split")
        attributes = dict(attributes_of(split, index))
        told = attributes.pop("anomalies", [])
        instances = instances_of(split, index) if told else None
        if instances is None:
            return PixelItem(index, sample, sample.anomaly, attributes, (), {})
        masks = {int(one["instance"]): instances == one["instance"] for one in told}
        return PixelItem(index, sample, sample.anomaly, attributes, tuple(map(dict, told)), masks)

    def segmented(self, item: PixelItem, prediction: Prediction, classes: ClassMap) -> Segmented:
        """The item with the most likely class of each of its pixels, whatever size the network saw it at."""
        size = item.anomaly.shape
        found = prediction.top[1] if prediction.size == size else prediction.logits_at(size).argmax(dim=1)
        return Segmented(item, classes.predicted(found[0].cpu().numpy()), classes.truth(item.sample.classes))

    def unsegmented(self, item: PixelItem) -> Segmented:
        """The item without classes, true or predicted."""
        return Segmented(item, np.zeros(item.anomaly.shape, dtype=np.int64), None)

    def scored(self, item: PixelItem, scores: NDArray[np.float32]) -> Scored:
        """The item with scores [H,W] and their ranking.

        Raises:
            DetectorError: the shapes differ, or scores are not finite float32.
        """
        return Scored(item, scores, ranking_curve(scores, item.anomaly))

    def failure(self, scored: Sequence[Scored]) -> tuple[float | None, float | None]:
        """Mean FPR95 and mean AUPR over detectors, None where the image lacks a class."""
        return _failure([one.values() for one in scored])

    def measures(self, protocols: Sequence[str], settings: Settings) -> tuple[str, ...]:
        """`IMAGES`, what the protocols count, and the open-set mIoU where it is asked for."""
        counted = dict.fromkeys(PROTOCOLS[name].counts_as for name in protocols)
        return (IMAGES, *counted, *([OPEN] if settings.open_miou else []))

    def facts_of(self, measure: str, settings: Settings) -> dict[str, object]:
        """The code that counts, the text of what hands it the images, and components or classes where these count.

        Of protocols that share their counts it is the code that counts, not the code that reads them. This module and
        `protocol_count` count without what they import, which is every protocol.
        """
        if measure == OPEN:
            facts: dict[str, object] = {"code": code_of("ood_eval.tasks.open_set"), "handed_by": text_of(__name__)}
            return facts | settings.classes.facts()
        if measure in {FACTS, IMAGES}:
            facts = {"code": code_of("ood_eval.tasks.counts"), "handed_by": text_of(__name__)}
            return facts | (settings.classes.facts() if measure == FACTS else {})
        kind = PROTOCOLS[counting_protocol(measure)]
        code = code_of(next(one for one in kind.__mro__ if "counts_as" in vars(one)).__module__)
        facts = {"code": code, "handed_by": text_of(__name__, ProtocolCount.__module__)}
        return facts | {"track": settings.track} if kind.keeps_maps else facts

    def keeps_maps(self, measure: str) -> bool:
        """Whether a measure needs every score map once more after the last image."""
        if measure in {FACTS, IMAGES, OPEN}:
            return measure == OPEN
        return any(kind.keeps_maps for kind in PROTOCOLS.values() if kind.counts_as == measure)

    def count(self, measure: str, classes: int) -> Count:
        """A fresh count."""
        if measure == FACTS:
            return FactsCount(classes)
        if measure == OPEN:
            return NothingCount()
        return ImagesCount() if measure == IMAGES else ProtocolCount(counting_protocol(measure))

    def at_the_end(
        self,
        measure: str,
        scorer: str,
        state: Mapping[str, NDArray[Any]],
        facts: Mapping[str, NDArray[Any]],
        maps: KeptMaps,
        settings: Settings,
    ) -> list[Number]:
        """Numbers at a threshold that only the last image decides, of a detector whose score maps were kept."""
        counted = FactsCount.of(facts)
        if measure == OPEN:
            towns = [town_of(json.loads(counted.lines[index])) for index in sorted(counted.lines)]
            return [open_number(maps, towns, scorer, len(settings.classes.known))]
        protocol = make_protocol(counting_protocol(measure))
        protocol.add_state(dict(state))
        return protocol.at_own_threshold(_scored_images(maps, scorer, sorted(counted.lines)), settings.track)

    def maps(self, item: PixelItem, segmented: Segmented, scores: Mapping[str, NDArray[np.float32]]) -> StateArrays:
        """Truth, prediction and whole score maps.

        Scores stay float32: as float16, MSP's AUROC moved from .9773 to .9763 (SMIYC's tool stores it so).
        """
        arrays: StateArrays = {f"score|{name}": score for name, score in scores.items()}
        arrays |= {"predicted": segmented.predicted.astype(np.uint8), "anomaly": item.anomaly}
        return arrays if segmented.truth is None else arrays | {"classes": segmented.truth}

    def frame(self, item: PixelItem, segmented: Segmented, scores: Mapping[str, NDArray[np.float32]]) -> StateArrays:
        """Image, truth, prediction and scores, thinned to at most 640 px of width."""
        step = -(-item.sample.image.shape[1] // _WIDEST_PX)
        thin = (slice(None, None, step), slice(None, None, step))
        arrays: StateArrays = {
            "id": np.array(item.sample.id),
            "image": item.sample.image[thin],
            "anomaly": item.anomaly[thin],
            "predicted": segmented.predicted[thin].astype(np.uint8),
        }
        return arrays | {f"score|{name}": score[thin] for name, score in scores.items()}

    def records(
        self, facts: Mapping[str, NDArray[Any]], images: Mapping[str, Mapping[str, NDArray[Any]]]
    ) -> Iterator[ImageRecord]:
        """The images in order with their values by detector."""
        counted = FactsCount.of(facts)
        values = {label: ImagesCount.of(state) for label, state in images.items()}
        for index in sorted(counted.lines):
            line = json.loads(counted.lines[index])
            found = {label: one.at(index) for label, one in values.items()}
            objects = tuple(
                ObjectRecord(one["attributes"], {label: theirs[1][place] for label, theirs in found.items()})
                for place, one in enumerate(line.pop("objects"))
            )
            known = {label: theirs[0] for label, theirs in found.items()}
            yield ImageRecord(**line | {"objects": objects, "values": known})

    def failures(self, records: Iterable[ImageRecord]) -> Iterator[tuple[int, float | None, float | None]]:
        """Index, mean FPR95 and mean AUPR of each image."""
        for record in records:
            yield record.index, *_failure(list(record.values.values()))


def town_of(record: Mapping[str, Any]) -> str:
    """The town of an image: as its set tells, or the folder in its id, as StreetHazards' t5 and t6."""
    return str(record["attributes"].get("town", str(record["id"]).split("/", 1)[0]))


def _scored_images(maps: KeptMaps, label: str, indices: Iterable[int]) -> Iterator[ScoredImage]:
    for index in indices:
        scores, anomaly = maps.load(index, f"score|{label}", "anomaly")
        yield scores.astype(np.float32), anomaly.astype(np.uint8)


def _failure(values: Sequence[Mapping[str, float | None]]) -> tuple[float | None, float | None]:
    found = []
    for metric in ("fpr95", "aupr"):
        real = [value for numbers in values if (value := numbers[metric]) is not None]
        found.append(sum(real) / len(real) if real else None)
    return found[0], found[1]

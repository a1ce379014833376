"""What of a suite a segmenter can serve: how its classes are those of each set, and which detectors it suits."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ood_eval.config import checked, read_yaml
from ood_eval.datasets import SegDataset
from ood_eval.datasets.class_map import ClassMap, class_map
from ood_eval.datasets.relabelled import Relabelled
from ood_eval.detectors import DETECTORS, build_detector
from ood_eval.engine.suite import DetectorSpec
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks import Segmenter

_LOG: Final = logging.getLogger(__name__)
# By name of the network's class the name of the set's, for every set or by the set's name.
GivenClasses = Mapping[str, Any]


def read_class_map(path: Path) -> dict[str, Any]:
    """What a user's YAML file says of classes: `truck: car`, for every set or below the name of one.

    Raises:
        ConfigError: the file cannot be read, or is no such table.
    """
    given = read_yaml(path)
    nested = isinstance(given, dict) and any(isinstance(value, dict) for value in given.values())
    kind = dict[str, dict[str, str]] if nested else dict[str, str]
    table: dict[str, Any] = checked(kind, given, str(path))
    return table


def classes_of(split: SegDataset, segmenter: Segmenter, given: GivenClasses | None) -> ClassMap:
    """How the segmenter's classes are those of a split: as the user says, or else by equal names.

    Raises:
        ConfigError: the user's map names a class that there is not.
    """
    table = given
    if given is not None and any(isinstance(value, Mapping) for value in given.values()):
        table = given.get(split.name)
    if not split.class_names or segmenter.class_names == split.class_names:
        return class_map(segmenter.class_names, split.class_names)
    try:
        return class_map(segmenter.class_names, split.class_names, table)
    except ConfigError as error:
        raise ConfigError(f"{split.name}: {error}") from error


def tell_of_classes(split: SegDataset, classes: ClassMap) -> None:
    """Logs how the classes of a split are met, where they are not the segmenter's own."""
    if not split.class_names or classes.is_whole:
        return
    if classes.counts:
        _LOG.info("%s: %s; another map goes by --class-map", split.name, classes.told())
        return
    _LOG.info(
        "%s: mIoU, accuracy and open-mIoU are left out: %s; --class-map FILE says which is which",
        split.name,
        classes.told(),
    )


def relabelled(
    splits: Mapping[str, SegDataset], segmenter: Segmenter, given: GivenClasses | None
) -> dict[str, SegDataset]:
    """Splits to fit and train on, their labels as channels of the segmenter.

    Raises:
        ConfigError: the user's map names a class that there is not.
    """
    found: dict[str, SegDataset] = {}
    for name, split in splits.items():
        classes = classes_of(split, segmenter, given)
        found[name] = split if classes.is_whole or not split.class_names else Relabelled(split, classes)
    return found


def suited(
    specs: tuple[DetectorSpec, ...], segmenter: Segmenter, splits: Mapping[str, SegDataset], *, insist: bool
) -> tuple[tuple[DetectorSpec, ...], dict[str, str]]:
    """The detectors that can be used, and by label why others cannot, which is logged.

    Args:
        specs: that the suite names.
        segmenter: that they would score with.
        splits: to fit and train on, as `relabelled` gives them.
        insist: refuses to go on without one of them.

    Raises:
        DetectorError: none can be used, or with `insist` one cannot.
    """
    labelled = {name: _is_labelled(split) for name, split in splits.items()}
    kept: list[DetectorSpec] = []
    left: dict[str, str] = {}
    for spec in specs:
        reason = build_detector(spec.name, spec.options, DETECTORS).obstacle(segmenter, labelled)
        if reason is None:
            kept.append(spec)
            continue
        left[spec.label] = reason
        if insist:
            raise DetectorError(f"{spec.label}: {reason}; take it out of --detectors, or give what it needs")
        _LOG.info("left out: %s: %s", spec.label, reason)
    if not kept:
        raise DetectorError(f"no detector of the suite can be used: {'; '.join(map(': '.join, left.items()))}")
    return tuple(kept), left


def _is_labelled(split: SegDataset) -> bool:
    """Whether the split has class labels that are channels of the network."""
    return bool(split.class_names) and (not isinstance(split, Relabelled) or split.classes.counts)

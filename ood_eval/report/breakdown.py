"""Numbers by what was in the picture: weather, time of day, town; category, distance and size of the anomaly."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ood_eval.tasks.image_record import ImageRecord

Value = float | None


@dataclass(frozen=True, slots=True)
class Bins:
    """Ranges of a number: below the first edge, between edges, from the last edge on; one name more than edges."""

    title: str
    edges: tuple[float, ...]
    names: tuple[str, ...]

    def name(self, value: float) -> str:
        """The name of the range that holds a value; an edge belongs to the range above it."""
        return self.names[bisect_right(self.edges, value)]


# Source: civil twilight ends with the sun at -6 degrees (US Naval Observatory); below 15 degrees it stands in the lens.
_SUN: Final = Bins(
    "time of day (sun above the horizon)",
    (-6.0, 0.0, 15.0, 40.0),
    ("night (below -6°)", "twilight (-6° to 0°)", "low sun (0° to 15°)", "day (15° to 40°)", "high sun (40° and more)"),
)
_DISTANCE: Final = Bins(
    "distance of the anomaly",
    (5.0, 10.0, 20.0, 40.0, 80.0),
    ("below 5 m", "5 to 10 m", "10 to 20 m", "20 to 40 m", "40 to 80 m", "80 m and more"),
)
# Source: the areas that COCO calls small (below 32²) and large (from 96²), and half of the former's side.
_SIZE: Final = Bins(
    "size of the anomaly in the image",
    (256.0, 1024.0, 9216.0),
    ("tiny (below 16² px)", "small (16² to 32² px)", "medium (32² to 96² px)", "large (96² px and more)"),
)
BINNED: Final = {
    "sun_altitude_deg": _SUN, "sun_deg": _SUN, "altitude_deg": _SUN, "distance_m": _DISTANCE, "pixels": _SIZE,
}  # fmt: skip
# Two attributes that say one thing: the first that is there is shown.
_TITLES: Final = {"place": "where it stands", "category": "category of the anomaly", "time_of_day": "time of day"}
_FIRST: Final = ("category", "weather", "time_of_day", "sun_altitude_deg", "distance_m", "pixels", "place", "town")
_MOST_GROUPS: Final = 150
IMAGE_METRICS: Final = ("auroc", "aupr", "fpr95")


@dataclass(frozen=True, slots=True)
class Group:
    """One value of an attribute: how many images or objects have it, and means by metric and detector."""

    name: str
    count: int
    means: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """An attribute's groups. `unit` is what was counted (images, anomalies); metrics are those the groups have."""

    key: str
    title: str
    unit: str
    metrics: tuple[str, ...]
    groups: tuple[Group, ...]


@dataclass(slots=True)
class _Sums:
    count: int = 0
    totals: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def add(self, metric: str, detector: str, value: Value) -> None:
        if value is not None and not math.isnan(value):
            total, count = self.totals.get((metric, detector), (0.0, 0))
            self.totals[metric, detector] = (total + value, count + 1)


class _Attributes:
    """Sums by attribute and value, of as many groups as there are distinct values but no more than the limit."""

    def __init__(self) -> None:
        self.sums: dict[str, dict[str, _Sums]] = {}
        self.dropped: set[str] = set()

    def add(self, attributes: Mapping[str, Any], write: Callable[[_Sums], None]) -> None:
        for key, value in attributes.items():
            name = _name(key, value)
            if name is None or key in self.dropped:
                continue
            groups = self.sums.setdefault(key, {})
            if name not in groups and len(groups) == _MOST_GROUPS:
                self.dropped.add(key)
                del self.sums[key]
                continue
            sums = groups.setdefault(name, _Sums())
            sums.count += 1
            write(sums)


def breakdowns_of(records: Iterable[ImageRecord], detectors: Sequence[str]) -> tuple[Breakdown, ...]:
    """Means by attribute, in one pass over the records.

    Of an image they are means over images of each image's own numbers; of an anomaly, means over anomalies of the
    AUROC of its pixels against the known pixels of its image. Attributes with one group only say nothing and are left
    out, as are those whose every value is another (names, numbers without ranges).
    """
    images, objects = _Attributes(), _Attributes()
    for record in records:

        def write_image(sums: _Sums, record: ImageRecord = record) -> None:
            for detector in detectors:
                for metric, value in record.values.get(detector, {}).items():
                    sums.add(metric, detector, value)

        images.add(record.attributes, write_image)
        for one in record.objects:

            def write_object(sums: _Sums, values: Mapping[str, Value] = one.values) -> None:
                for detector in detectors:
                    sums.add("auroc", detector, values.get(detector))

            objects.add(one.attributes, write_object)
    found = [_breakdown(key, "anomalies", groups) for key, groups in objects.sums.items()]
    found += [_breakdown(key, "images", groups) for key, groups in images.sums.items() if key not in objects.sums]
    told = [one for one in found if _says_something(one)]
    place = {key: number for number, key in enumerate(_FIRST)}
    return tuple(sorted(told, key=lambda one: place.get(one.key, len(place))))


def _breakdown(key: str, unit: str, sums: Mapping[str, _Sums]) -> Breakdown:
    bins = BINNED.get(key)
    if bins is not None:
        names = [name for name in bins.names if name in sums]
    else:
        names = sorted(sums, key=lambda name: (-sums[name].count, name))
    metrics = tuple(m for m in IMAGE_METRICS if any(m == metric for one in sums.values() for metric, _ in one.totals))
    groups = tuple(
        Group(
            name,
            sums[name].count,
            {
                metric: {
                    detector: total / count
                    for (of, detector), (total, count) in sums[name].totals.items()
                    if of == metric
                }
                for metric in metrics
            },
        )
        for name in names
    )
    title = bins.title if bins is not None else _TITLES.get(key, key.replace("_", " "))
    return Breakdown(key, title, unit, metrics, groups)


def _name(key: str, value: object) -> str | None:
    """The group of a value; None where it has none, as lists and numbers without ranges."""
    bins = BINNED.get(key)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if bins is not None and isinstance(value, int | float):
        return None if math.isnan(value) else bins.name(float(value))
    return value.replace("_", " ") if isinstance(value, str) else None


def _says_something(one: Breakdown) -> bool:
    return bool(one.metrics) and len(one.groups) > 1 and any(group.count > 1 for group in one.groups)

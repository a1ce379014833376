"""What a report says of one result, as texts and drawings that every format shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from ood_eval.report.breakdown import Breakdown, breakdowns_of
from ood_eval.report.calibration import Calibration, calibration_of, marks_of
from ood_eval.report.drawing import distribution_svg, line_style, precision_svg, roc_svg
from ood_eval.report.entry import ABSENT
from ood_eval.report.gallery import gallery_payload
from ood_eval.report.protocol_tables import FurtherMetrics, ProtocolTable, further_metrics_of, protocol_tables_of
from ood_eval.report.result import Result
from ood_eval.report.significance import PairTable, pair_tables_of
from ood_eval.report.table import METRICS, Table, curve_protocol, protocol_words, table_of
from ood_eval.report.tiles import headline_protocol, tiles_of
from ood_eval.store import read_lines
from ood_eval.tasks.image_record import ImageRecord

# Score maps in a page; 100 of 640 by 360 pixels are about 7 MB. Of few images, no more detectors than one can compare.
_MOST_MAPS: Final = 144
_MOST_IN_GALLERY: Final = 8
_LEAST_IN_GALLERY: Final = 3
_LONG: Final = 12
_FEW: Final = 5
_NEVER_SHOWN: Final = ("id", "scene", "seed", "number", "index")


@dataclass(frozen=True, slots=True)
class Chip:
    """A line of the legend."""

    title: str
    numbers: str
    colour: str
    dashes: str


@dataclass(frozen=True, slots=True)
class ShadedCell:
    """A number in percent, how dark it is drawn (0..1), and whether it is the best of its line."""

    text: str
    much: str
    best: bool


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group of a breakdown."""

    name: str
    count: int
    cells: tuple[ShadedCell, ...]

    @property
    def few(self) -> bool:
        """Whether so few were counted that the numbers say little."""
        return self.count < _FEW


@dataclass(frozen=True, slots=True)
class Panel:
    """A breakdown in one metric."""

    metric: str
    title: str
    lines: tuple[GroupLine, ...]


@dataclass(frozen=True, slots=True)
class BreakdownTable:
    """A breakdown, a panel per metric; a long one is folded."""

    title: str
    unit: str
    panels: tuple[Panel, ...]
    long: bool

    @property
    def switch(self) -> tuple[tuple[str, str], ...]:
        """Metric and its title, of each panel."""
        return tuple((panel.metric, panel.title) for panel in self.panels)


@dataclass(frozen=True, slots=True)
class Section:
    """One result in a report; what a result lacks is empty or None."""

    key: str
    label: str
    origin: str
    several: bool
    tiles: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...]
    detectors: tuple[str, ...]
    table: Table
    protocols: tuple[tuple[str, str], ...]
    all_protocols: tuple[tuple[str, str], ...]
    chips: tuple[Chip, ...]
    roc: Markup | None
    precision: Markup | None
    distributions: tuple[tuple[str, Markup], ...]
    gallery: dict[str, Any] | None
    gallery_note: str
    calibration: Calibration | None
    breakdowns: tuple[BreakdownTable, ...]
    pair_tables: tuple[PairTable, ...]
    protocol_tables: tuple[ProtocolTable, ...]
    further_metrics: FurtherMetrics | None
    classes: tuple[tuple[str, str, str], ...]
    provenance: tuple[tuple[str, str], ...]

    @property
    def anchors(self) -> tuple[tuple[str, str], ...]:
        """Anchor and title of each part that is there."""
        parts = (
            ("table", "Detectors", True),
            ("gallery", "Where they fail", self.gallery),
            ("curves", "Curves", self.roc),
            ("thresholds", "Thresholds", self.calibration),
            ("breakdown", "What makes it hard", self.breakdowns),
            ("significance", "Significance", self.pair_tables),
            ("protocols", "Protocols", self.protocol_tables),
            ("classes", "Segmentation", self.classes),
            ("origin", "Origin", True),
        )
        return tuple((anchor, title) for anchor, title, there in parts if there)

    @property
    def pair_switch(self) -> tuple[tuple[str, str], ...]:
        """Metric and its title, of each comparison."""
        return tuple((pairs.metric, pairs.title) for pairs in self.pair_tables)

    @property
    def protocol_switch(self) -> tuple[tuple[str, str], ...]:
        """Metric and its title, of each cross-protocol table."""
        return tuple((cross.metric, cross.title) for cross in self.protocol_tables)


def section_of(result: Result, key: str) -> Section:
    """Everything that can be said of a result.

    Args:
        result: read from disk.
        key: what ids within the page begin with.

    Raises:
        ResultError: a file of the result is damaged.
    """
    names = result.detectors
    found: tuple[Breakdown, ...] = ()
    captions: dict[str, str] = {}
    if result.records is not None:
        found = breakdowns_of(read_lines(result.records, ImageRecord), names)
        captions = {one.id: caption_of(one) for one in read_lines(result.records, ImageRecord) if one.gallery}
    room = _MOST_MAPS // max(len(result.frames), 1)
    shown = best_detectors(result, min(max(room, _LEAST_IN_GALLERY), _MOST_IN_GALLERY))
    curves = result.drawn
    every = tuple(dict.fromkeys(row.protocol for row in result.ranking_rows))
    table = table_of(result)
    return Section(
        key=key,
        label=result.label,
        origin=_origin(result),
        several=len(result.seeds) > 1,
        tiles=tiles_of(result, best_detectors(result, len(names))),
        skipped=result.skipped,
        detectors=tuple(map(result.title, names)),
        table=table,
        protocols=_words(table.protocols),
        all_protocols=_words(every),
        chips=tuple(_chip(result, name, place) for place, name in enumerate(curves)),
        roc=roc_svg(curves, key) if curves else None,
        precision=precision_svg(curves, key) if curves else None,
        distributions=tuple(
            (result.title(name), distribution_svg(curve, result.title(name), f"{key}-d{place}", marks_of(result, name)))
            for place, (name, curve) in enumerate(curves.items())
        ),
        gallery=_gallery(result, shown, captions) if result.frames else None,
        gallery_note=_gallery_note(result, shown),
        calibration=calibration_of(result),
        breakdowns=tuple(_breakdown_table(one, names) for one in found),
        pair_tables=pair_tables_of(result),
        protocol_tables=protocol_tables_of(result),
        further_metrics=further_metrics_of(result),
        classes=tuple(
            (name, ABSENT if quality.iou is None else f"{100 * quality.iou:.1f}", f"{100 * quality.share:.2f}")
            for name, quality in result.classes.items()
        ),
        provenance=_provenance(result),
    )


def best_detectors(result: Result, count: int) -> list[str]:
    """The detectors with the highest AUPR, best first; pooled if the run has that, else as it has."""
    protocol = headline_protocol(result)

    def rank(name: str) -> float:
        value, _ = result.spread(name, protocol, "aupr")
        return -1.0 if math.isnan(value) else value

    return sorted(result.detectors, key=rank, reverse=True)[:count]


def caption_of(record: ImageRecord) -> str:
    """What was in an image: its words, and what stands there as an anomaly."""
    words = [
        f"{value}".replace("_", " ")
        for key, value in record.attributes.items()
        if isinstance(value, str) and key not in _NEVER_SHOWN and value
    ]
    kinds = [
        str(one.attributes["category"]).replace("_", " ") for one in record.objects if "category" in one.attributes
    ]
    return " · ".join([*words, ", ".join(dict.fromkeys(kinds))] if kinds else words)


def _origin(result: Result) -> str:
    """Which run this is of."""
    parts = [f"suite {result.suite}" if result.suite else "", f"run {result.folder}" if result.folder else ""]
    return ", ".join(filter(None, parts))


def _words(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, protocol_words(name)) for name in names)


def _chip(result: Result, name: str, place: int) -> Chip:
    colour, dashes = line_style(place)
    pooled = curve_protocol(row.protocol for row in result.ranking_rows)
    pair = [pooled and result.value(name, pooled, metric) for metric in ("auroc", "aupr")]
    numbers = " / ".join(ABSENT if not row or math.isnan(row.value) else f"{100 * row.value:.1f}" for row in pair)
    return Chip(result.title(name), numbers, colour, " ".join(f"{2 * length:g}" for length in dashes))


def _gallery(result: Result, shown: Sequence[str], captions: Mapping[str, str]) -> dict[str, Any]:
    marks = {name: list(marks_of(result, name).items()) for name in shown}
    return gallery_payload(result.frames, [(name, result.title(name)) for name in shown], marks, captions)


def _gallery_note(result: Result, shown: Sequence[str]) -> str:
    count = len(result.detectors)
    which = f"the {len(shown)} best of {count} detectors by AUPR" if len(shown) < count else "all detectors"
    return (
        f"{len(result.frames)} images and {which}. Score maps are kept in at most 255 steps that are even in the share "
        "of pixels flagged, so colours compare between detectors; numbers beside the picture are of its shown pixels. "
        "Images are ordered at the best-F1 threshold."
    )


def _breakdown_table(one: Breakdown, detectors: Sequence[str]) -> BreakdownTable:
    panels = []
    for metric, title, larger in METRICS:
        if metric not in one.metrics:
            continue
        values = [group.means[metric][name] for group in one.groups for name in group.means[metric]]
        low, high = min(values), max(values)
        lines = []
        for group in one.groups:
            means = {name: round(100.0 * value, 1) for name, value in group.means[metric].items()}
            best = (max if larger else min)(means.values(), default=math.nan)
            cells = []
            for name in detectors:
                if name not in means:
                    cells.append(ShadedCell(ABSENT, "0", best=False))
                    continue
                much = (group.means[metric][name] - low) / (high - low) if high > low else 0.5
                much = much if larger else 1.0 - much
                cells.append(ShadedCell(f"{means[name]:.1f}", f"{much:.2f}", means[name] == best))
            lines.append(GroupLine(group.name, group.count, tuple(cells)))
        panels.append(Panel(metric, title, tuple(lines)))
    return BreakdownTable(one.title, one.unit, tuple(panels), len(one.groups) > _LONG)


def _provenance(result: Result) -> tuple[tuple[str, str], ...]:
    origin = result.rows[0].provenance
    seeds = [seed for seed in result.seeds if seed is not None]
    checkpoints = dict.fromkeys(row.provenance.checkpoint_hash[:16] for row in result.rows)
    numbers: dict[str, set[str]] = {}
    for row in result.rows:
        for name, number in row.provenance.versions.items():
            numbers.setdefault(name, set()).add(number)
    versions = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in sorted(numbers.items()))
    return (
        ("configuration", origin.config_hash),
        ("data", origin.data_hash[:16]),
        ("checkpoint", ", ".join(checkpoints)),
        ("seed of training", ", ".join(map(str, seeds)) if seeds else "given checkpoint"),
        ("label policy", f"{origin.policy or 'the only one'}, {100 * origin.dropped_share:.2f} % of pixels dropped"),
        ("pictures scored at", "their own size" if origin.size == "native" else f"{origin.size} px, their shape kept"),
        ("versions", versions),
    )

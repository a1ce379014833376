"""Shards of a split, made apart, to one finished split: checked, copied, finished."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hazardsim.channels import CHANNELS
from hazardsim.dataset.finish import finish_split, is_whole, manifest_length
from hazardsim.dataset.journal import Journal
from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.lock import hold_split
from hazardsim.dataset.numbering import Slot, slot_of
from hazardsim.dataset.recipe_file import FRAMES, first_difference, record_recipe
from hazardsim.dataset.split import SPLITS, Split
from hazardsim.errors import DatasetError
from hazardsim.files import damage_named, read_record, record_from_json, write_whole

Record = dict[str, Any]
_REMEDY = "render that shard again"


def merge(out: Path, shards: Sequence[Path]) -> list[Split]:
    """Merge every split that the shards hold into `out`, which may be one of them; an interrupted merge can go on.

    Raises:
        DatasetError: recipes differ, a frame is missing, a file is not what its record says, or the disk is full.
    """
    sources = list(dict.fromkeys(path.resolve() for path in [*shards, out]))
    found = [split for split in SPLITS if any((s / SplitLayout(split).recipe).exists() for s in sources)]
    if not found:
        raise DatasetError(
            f"{', '.join(map(str, shards or [out]))}: no split was begun here; give folders that "
            "hazardsim render --shard wrote"
        )
    for split in found:
        with_split = [source for source in sources if (source / SplitLayout(split).recipe).exists()]
        with damage_named(out, _REMEDY):
            recipe = _common_recipe(with_split, split)
        if is_whole(out, split, int(recipe[FRAMES])):
            continue
        with hold_split(out, split):
            (out / SplitLayout(split).journal).mkdir(parents=True, exist_ok=True)
            record_recipe(out, split, recipe)
            for source in with_split:
                with damage_named(source, _REMEDY):
                    _take_over(out, source, split, recipe)
            finish_split(out, split)
    return found


def _common_recipe(sources: Sequence[Path], split: Split) -> Record:
    """The recipe that all share; a finished set may have fewer frames than the shards that it grows by."""
    recipes = [read_record(source / SplitLayout(split).recipe) for source in sources]
    for source, recipe in zip(sources[1:], recipes[1:], strict=True):
        difference = first_difference(recipes[0], recipe)
        if difference is not None:
            raise DatasetError(
                f"{sources[0]} and {source} were not made alike: {split} {difference}; render the shard again"
            )
    return max(recipes, key=lambda recipe: int(recipe[FRAMES]))


def _take_over(out: Path, source: Path, split: Split, recipe: Record) -> None:
    """Check each frame of a source and copy it where it is not in `out` yet: pictures first, then its record."""
    here = Journal(out, split)
    finished = manifest_length(out, split)
    same = source.samefile(out)
    for record in _records(source, split, int(recipe[FRAMES])):
        slot = _checked_slot(record, split, recipe, source)
        pictures = _checked_pictures(record, split, slot, source)
        if same or slot.number <= finished:
            continue
        if here.has(slot.number):
            if read_record(here.kept(slot.number)) != record:
                raise DatasetError(f"frame {slot.number} of {source} differs from the one in {out}; delete one of them")
            continue
        for relative, data in pictures:
            write_whole(out / relative, [data])
        here.keep(slot.number, record)
    if not same:
        for record in _rejections(source, split, int(recipe[FRAMES])):
            slot = _checked_slot(record, split, recipe, source)
            if slot.number > finished:
                here.reject(slot, int(record["attempt"]), str(record["reason"]))


def _rejections(source: Path, split: Split, frames: int) -> Iterator[Record]:
    journal = Journal(source, split)
    yield from _stored(source / SplitLayout(split).rejected)
    for number in range(1, frames + 1):
        yield from map(read_record, journal.rejected(number))


def _records(source: Path, split: Split, frames: int) -> Iterator[Record]:
    journal = Journal(source, split)
    yield from _stored(source / SplitLayout(split).manifest)
    yield from (read_record(journal.kept(number)) for number in range(1, frames + 1) if journal.has(number))


def _stored(path: Path) -> Iterator[Record]:
    """The records in a file of lines, if it is there."""
    if path.is_file():
        with path.open("rb") as lines:
            yield from map(record_from_json, lines)


def _checked_slot(record: Record, split: Split, recipe: Record, source: Path) -> Slot:
    slot = slot_of(int(record["number"]), recipe["towns"])
    mine = (record["town"], record["index"]) == (slot.town, slot.index) and slot.number <= int(recipe[FRAMES])
    if not mine:
        raise DatasetError(f"frame {slot.number} of {source} ({split}) is not of this split; render that shard again")
    return slot


def _checked_pictures(record: Record, split: Split, slot: Slot, source: Path) -> list[tuple[str, bytes]]:
    """Paths and bytes of a frame's files, each as its record says."""
    layout, files = SplitLayout(split), []
    for channel in CHANNELS.values():
        relative = str(layout.file(channel, slot.town, slot.number))
        entry = record["files"].get(channel.folder, {})
        try:
            data = (source / relative).read_bytes()
        except OSError as error:
            raise DatasetError(f"{source / relative} cannot be read: {error.strerror}; render it again") from error
        if entry.get("path") != relative or entry.get("sha256") != hashlib.sha256(data).hexdigest():
            raise DatasetError(f"{source / relative} is not the file that its record names; render that shard again")
        files.append((relative, data))
    return files

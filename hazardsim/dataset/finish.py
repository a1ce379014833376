"""From a complete journal to a finished split: the lists that readers read, in an order that nobody's haste decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from hazardsim.dataset.journal import Journal
from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.odgt import odgt_entry, odgt_text
from hazardsim.dataset.recipe_file import recorded_frames
from hazardsim.dataset.split import Split
from hazardsim.errors import DatasetError
from hazardsim.files import damage_named, read_record, record_from_json, remove_drafts, write_whole


def is_whole(root: Path, split: Split, frames: int) -> bool:
    """Whether the split is there with so many frames, and nothing is left to tidy up."""
    layout = SplitLayout(split)
    made = (root / layout.manifest).exists() and not (root / layout.journal).exists()
    return made and recorded_frames(root, split) == frames


def manifest_length(root: Path, split: Split) -> int:
    """How many frames the split's manifest names; 0 where it is not finished."""
    manifest = root / SplitLayout(split).manifest
    if not manifest.is_file():
        return 0
    with manifest.open("rb") as lines:
        return sum(1 for _ in lines)


def missing_frames(root: Path, split: Split, numbers: Iterable[int]) -> Iterator[int]:
    """Those of the numbers that neither the manifest nor the journal has, one after the other."""
    journal, finished = Journal(root, split), manifest_length(root, split)
    return (number for number in numbers if number > finished and not journal.has(number))


def finish_split(root: Path, split: Split) -> None:
    """Turn the journal into the lists and, last, the manifest; a split that grows is readable as it was until then.

    Only for the process that holds the split. Killed half-way, it can be called again.

    Raises:
        DatasetError: frames are missing, a record is damaged, or the disk is full.
    """
    layout, journal = SplitLayout(split), Journal(root, split)
    frames, before = recorded_frames(root, split), manifest_length(root, split)
    missing = missing_frames(root, split, range(1, frames + 1))
    first = next(missing, None)
    if first is not None:
        raise DatasetError(
            f"{root / layout.folder} lacks {1 + sum(1 for _ in missing)} of {frames} frames, the first is number "
            f"{first}; render them with the same command, or merge the shard that has them"
        )
    if before < frames:
        with damage_named(root / layout.folder, "delete the split and render it again"):
            _write_lists(root, layout, journal, before, frames)
    _tidy(root, layout, journal)


def _write_lists(root: Path, layout: SplitLayout, journal: Journal, before: int, frames: int) -> None:
    """The rejections, the list of samples and, last, the manifest; record by record."""
    added = range(before + 1, frames + 1)
    rejected = chain(_older_rejections(root, layout, before), _later_rejections(journal, added))
    first = next(rejected, None)
    if first is not None:
        write_whole(root / layout.rejected, chain([first], rejected))
    records = (record_from_json(line) for line in _manifest_lines(root, layout, journal, added))
    write_whole(root / layout.odgt, odgt_text(odgt_entry(record, layout) for record in records))
    write_whole(root / layout.manifest, _manifest_lines(root, layout, journal, added))


def _tidy(root: Path, layout: SplitLayout, journal: Journal) -> None:
    remove_drafts(root / layout.folder)
    journal.remove()
    for path in [root / layout.lock, *(root / layout.folder).glob(str(layout.shard_lock("*").name))]:
        path.unlink(missing_ok=True)


def _manifest_lines(root: Path, layout: SplitLayout, journal: Journal, added: Iterable[int]) -> Iterator[bytes]:
    if (root / layout.manifest).is_file():
        with (root / layout.manifest).open("rb") as lines:
            yield from lines
    for number in added:
        read_record(journal.kept(number))  # names the file if it is damaged
        yield journal.kept(number).read_bytes()


def _older_rejections(root: Path, layout: SplitLayout, before: int) -> Iterator[bytes]:
    """Lines about the frames that are finished; later ones come from the journal, though they may be here already."""
    path = root / layout.rejected
    if before and path.is_file():
        with path.open("rb") as lines:
            yield from (line for line in lines if int(record_from_json(line)["number"]) <= before)


def _later_rejections(journal: Journal, added: Iterable[int]) -> Iterator[bytes]:
    for path in chain.from_iterable(journal.rejected(number) for number in added):
        read_record(path)
        yield path.read_bytes()

"""From a complete journal to a finished split: the lists that readers read, in an order that nobody's haste decides."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from hazardsim.dataset.journal import Journal
from hazardsim.dataset.layout import DB_NAME, LISTED, SplitLayout
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


def missing_frames(root: Path, split: Split, frames: int) -> list[int]:
    """Numbers up to `frames` that neither the manifest nor the journal has."""
    kept = Journal(root, split).kept()
    return [number for number in range(manifest_length(root, split) + 1, frames + 1) if number not in kept]


def finish_split(root: Path, split: Split) -> None:
    """Turn the journal into the lists and, last, the manifest; a split that grows is readable as it was until then.

    Only for the process that holds the split. Killed half-way, it can be called again.

    Raises:
        DatasetError: frames are missing, a record is damaged, or the disk is full.
    """
    layout, journal = SplitLayout(split), Journal(root, split)
    frames, before = recorded_frames(root, split), manifest_length(root, split)
    missing = missing_frames(root, split, frames)
    if missing:
        raise DatasetError(
            f"{root / layout.folder} lacks {len(missing)} of {frames} frames, the first is number {missing[0]}; "
            "render them with the same command, or merge the shard that has them"
        )
    if before < frames:
        with damage_named(root / layout.folder, "delete the split and render it again"):
            _write_lists(root, layout, journal, before, frames)
    _tidy(root, layout)


def _write_lists(root: Path, layout: SplitLayout, journal: Journal, before: int, frames: int) -> None:
    """The rejections, the list of samples and, last, the manifest."""
    added = [path for number, path in journal.kept().items() if before < number <= frames]
    later = (path for path in journal.rejected() if int(read_record(path)["number"]) > before)
    rejected = [*_older_rejections(root, layout, before), *(path.read_bytes() for path in later)]
    if rejected:
        write_whole(root / layout.rejected, rejected)
    entries = [*_odgt_entries(root, layout), *(_odgt_entry(read_record(path), layout) for path in added)]
    write_whole(root / layout.odgt, [json.dumps(sorted(entries, key=lambda e: str(e["fpath_img"]))).encode()])
    write_whole(root / layout.manifest, _manifest_lines(root, layout, added))


def _tidy(root: Path, layout: SplitLayout) -> None:
    remove_drafts(root / layout.folder)
    shutil.rmtree(root / layout.journal, ignore_errors=True)
    for path in [root / layout.lock, *(root / layout.folder).glob(str(layout.shard_lock("*").name))]:
        path.unlink(missing_ok=True)


def _manifest_lines(root: Path, layout: SplitLayout, added: list[Path]) -> Iterator[bytes]:
    if (root / layout.manifest).is_file():
        with (root / layout.manifest).open("rb") as lines:
            yield from lines
    yield from (path.read_bytes() for path in added)


def _older_rejections(root: Path, layout: SplitLayout, before: int) -> list[bytes]:
    """Lines about the frames that are finished; later ones come from the journal, though they may be here already."""
    path = root / layout.rejected
    if not before or not path.is_file():
        return []
    with path.open("rb") as lines:
        return [line for line in lines if int(record_from_json(line)["number"]) <= before]


def _odgt_entries(root: Path, layout: SplitLayout) -> Iterator[dict[str, object]]:
    if (root / layout.manifest).is_file():
        with (root / layout.manifest).open("rb") as lines:
            yield from (_odgt_entry(record_from_json(line), layout) for line in lines)


def _odgt_entry(record: dict[str, Any], layout: SplitLayout) -> dict[str, object]:
    camera = record["scene"]["camera"]
    paths = {kind: PurePosixPath(record["files"][kind]["path"]).relative_to(layout.folder) for kind in LISTED}
    return {
        "dbName": DB_NAME,
        "width": camera["width_px"],
        "height": camera["height_px"],
        "fpath_img": str(paths[LISTED[0]]),
        "fpath_segm": str(paths[LISTED[1]]),
    }

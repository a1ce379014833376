"""The `.odgt` index of StreetHazards, in each of its three spellings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ood_eval.errors import DataError


@dataclass(frozen=True, slots=True)
class OdgtEntry:
    """One image with its label file, and the size the index gives (width, height in px; None when it gives none)."""

    image: Path
    labels: Path
    size_px: tuple[int, int] | None


def read_odgt(path: Path, root: Path) -> list[OdgtEntry]:
    """Entries of an index, ordered by image path with numbers in numeric order.

    A text that starts with `[` is one JSON list (the public archive), any other is JSON lines (CSAIL's own).
    Relative paths are tried against the index's folder, its parent, and `root`; both files of an entry lie below one.

    Source: reference files of StreetHazards and hendrycks/anomaly-seg `create_dataset.py`.

    Raises:
        DataError: the index is missing, is not JSON, lacks a path, pairs two numbers, or names files that do not exist.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot read the index ({error}); is this a StreetHazards folder?") from error
    entries = [_entry(record, path, root) for record in _records(text, path)]
    return sorted(entries, key=lambda entry: natural_key(entry.image))


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `2.png` comes before `10.png`."""
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in (*path.parent.parts, path.stem))


def _records(text: str, path: Path) -> list[dict[str, Any]]:
    lines = [text] if text.startswith("[") else text.splitlines()
    found: list[Any] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}: line {number} is not JSON ({error.msg}); the index is damaged") from error
        found.extend(value if isinstance(value, list) else [value])
    if not all(isinstance(record, dict) for record in found):
        raise DataError(f"{path}: every entry must be a JSON object with fpath_img and fpath_segm")
    return found


def _entry(record: dict[str, Any], path: Path, root: Path) -> OdgtEntry:
    width, height = record.get("width"), record.get("height")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    image, labels = (_name(record, key, path) for key in ("fpath_img", "fpath_segm"))
    if image.stem.isdecimal() and labels.stem.isdecimal() and int(image.stem) != int(labels.stem):
        raise DataError(f"{path}: pairs {image} with {labels}; the index is damaged")
    missing = image
    for base in (path.parent, path.parent.parent, root):
        if (base / image).is_file():
            if (base / labels).is_file():
                return OdgtEntry(base / image, base / labels, size)
            missing = labels
    raise DataError(
        f"{path}: names {missing}, which is neither below {path.parent} nor {root}; the dataset is incomplete"
    )


def _name(record: dict[str, Any], key: str, path: Path) -> Path:
    name = record.get(key)
    if not isinstance(name, str) or not name:
        raise DataError(f"{path}: an entry has no {key}")
    return Path(name)

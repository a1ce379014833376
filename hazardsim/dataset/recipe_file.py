"""The recipe of a split on disk: everything that decides its bytes, and how many frames were asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hazardsim.dataset.layout import SplitLayout
from hazardsim.dataset.split import Split
from hazardsim.errors import DatasetError
from hazardsim.files import damage_named, json_line, read_record, write_whole

FRAMES = "frames"
"""The one key that is not part of the recipe's identity: a split may grow."""


def recorded_frames(root: Path, split: Split) -> int:
    """How many frames the split is to have; 0 where nobody began it."""
    path = root / SplitLayout(split).recipe
    if not path.exists():
        return 0
    with damage_named(path, "delete the split, or choose another --out"):
        return int(read_record(path)[FRAMES])


def compare_recipe(
    root: Path, split: Split, recipe: Mapping[str, object], unknown: frozenset[str] = frozenset()
) -> None:
    """Refuse to go on with a split of another recipe, or with fewer frames than it was begun with.

    Keys in `unknown` are left out: a parent does not know yet what will draw.

    Raises:
        DatasetError: names the first difference.
    """
    layout = SplitLayout(split)
    path = root / layout.recipe
    if not path.exists():
        return
    found, wanted = read_record(path), json.loads(json_line(recipe))
    where = f"{root / layout.folder} holds a {split} split"
    difference = first_difference(found, wanted, unknown)
    if difference is not None:
        raise DatasetError(f"{where} made with {difference}; ask for the same, choose another --out, or delete it")
    if wanted[FRAMES] < found[FRAMES]:
        raise DatasetError(
            f"{where} of {found[FRAMES]} frames, now {wanted[FRAMES]} are asked for; a split can grow but not shrink: "
            "ask for at least as many, or choose another --out"
        )


def first_difference(
    found: Mapping[str, Any], wanted: Mapping[str, Any], unknown: frozenset[str] = frozenset()
) -> str | None:
    """What two recipes differ in besides the number of frames, in words, or None."""
    for key in sorted((set(found) | set(wanted)) - unknown - {FRAMES}):
        old, new = found.get(key), wanted.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            inside = first_difference(old, new)
            if inside is not None:
                return f"{key}.{inside}"
        elif old != new:
            return f"{key} = {_short(old)}, now it is {_short(new)}"
    return None


def record_recipe(root: Path, split: Split, recipe: Mapping[str, object]) -> None:
    """Write the recipe where there is none, or where the split grows; several workers may do so at once.

    Raises:
        DatasetError: another recipe is there.
    """
    compare_recipe(root, split, recipe)
    if recorded_frames(root, split) != recipe[FRAMES]:
        text = json.dumps(recipe, indent=2, sort_keys=True, allow_nan=False)
        write_whole(root / SplitLayout(split).recipe, [text.encode(), b"\n"])
        compare_recipe(root, split, recipe)  # another worker may have written its own in between


def _short(value: object) -> str:
    text = json_line(value).decode().strip()
    return text if len(text) <= 40 else f"{text[:37]}..."

"""Which split an anomaly category belongs to: `assets/categories.yaml`, the only place that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from hazardsim.errors import AssetError
from hazardsim.resources import shipped
from hazardsim.yaml_files import read_listing, strict

AnomalySplit = Literal["validation", "test"]
ANOMALY_SPLITS: Final[tuple[AnomalySplit, ...]] = get_args(AnomalySplit)


@strict
@dataclass(frozen=True, slots=True)
class Categories:
    """The categories of each split; none may stand in both."""

    validation: tuple[str, ...]
    test: tuple[str, ...]


@cache
def split_of_category(path: Path | None = None) -> Mapping[str, AnomalySplit]:
    """The split of every category.

    Raises:
        AssetError: the file is missing, malformed, or puts a category into two splits.
    """
    source = path if path is not None else shipped("assets") / "categories.yaml"
    listed = read_listing(source, Categories)
    table: dict[str, AnomalySplit] = {}
    for split in ANOMALY_SPLITS:
        names: tuple[str, ...] = getattr(listed, split)
        for name in names:
            if name in table:
                raise AssetError(f"{source}: category {name!r} is listed twice; a category belongs to one split")
            table[name] = split
    return table

"""Where the data that comes with the package lies: `assets/` and `scenarios/`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def shipped(folder: Literal["assets", "scenarios"]) -> Path:
    """The folder inside an installed wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_data" / folder
    return installed if installed.is_dir() else package.parent / folder


def shipped_town(name: str) -> Path:
    """Where the map of a shipped town lies; there is no file where none has the name."""
    return shipped("scenarios") / "towns" / f"{name}.osm"

"""Model packs from elsewhere, converted into the user's cache: a folder for each source, and its line in `PACKS`."""

from __future__ import annotations

from typing import Final

from hazardsim.packs.pack import Pack
from hazardsim.packs.sweethome3d.pack import SweetHome3D

PACKS: Final[dict[str, Pack]] = {"sweethome3d": SweetHome3D()}
"""All sources; the first one is fetched where none is named."""


def fetch_command(name: str) -> str:
    """What a user types to fetch a pack."""
    return "hazardsim assets fetch" if name == next(iter(PACKS)) else f"hazardsim assets fetch --pack {name}"

"""`hazardsim assets add`: a mesh file of one's own as an anomaly."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro


@dataclass(frozen=True)
class AssetsAdd:
    """Add a model of your own to the anomalies: any mesh file that trimesh reads (GLB, glTF, OBJ, PLY, STL, ...).

    It is converted into the per-user cache, stands on its base, and is placed like any other. A model of the same id
    that you added before is replaced; remove one by deleting what this prints.

    Example: hazardsim assets add sofa.glb --id my-sofa --category sofa
    """

    model: tyro.conf.Positional[Path]
    """The mesh file."""
    id: str
    """What scenes and manifests call it: lower case words with hyphens."""
    category: str
    """What kind of thing it is; hazardsim assets list shows the known ones."""
    split: Literal["validation", "test"] | None = None
    """Which split a new category belongs to; a known category has its own."""
    height_m: float | None = None
    """Scale it to this height; without it the file's units are metres."""
    up: Literal["y", "z"] | None = None
    """Which axis of the file points up; y for glTF and OBJ, z for others, if not given."""
    turn_deg: float = 0.0
    """Turn it counter-clockwise, seen from above, until its front faces +x."""
    licence: str = "not stated"
    """Its licence, for the manifest."""
    creator: str = "not stated"
    """Whose it is."""
    cache: Path | None = None
    """Cache folder; $HAZARDSIM_CACHE or ~/.cache/hazardsim if not given."""

    def run(self) -> int:
        """Convert it, and say what came out."""
        from hazardsim.catalogue.library import load_catalogue
        from hazardsim.catalogue.own import OwnModel, add_own
        from hazardsim.errors import AssetError
        from hazardsim.user_cache import cache_root

        foreign = [one for one in load_catalogue(self.cache).assets if one.source != "own" and one.id == self.id]
        if foreign:
            raise AssetError(f"id {self.id!r} is taken by a model that is not yours; choose another --id")
        told = OwnModel(
            self.id, self.category, self.split, self.height_m, self.up, self.turn_deg, self.licence, self.creator
        )
        stored, split = add_own(self.model, told, self.cache)
        size = " x ".join(f"{side:.2f}" for side in stored.size_m)
        where = cache_root(self.cache) / "own" / self.id
        sys.stdout.write(f"{self.id}: {size} m, {stored.triangles} triangles, {split} split, in {where}[.json]\n")
        return 0

"""`hazardsim assets list`: the anomaly models that can be used now."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hazardsim.errors import AssetError


@dataclass(frozen=True)
class AssetsList:
    """List the anomaly models that can be used now, one a line: id, split, category, size, triangles, licence.

    Example: hazardsim assets list --split test --category sofa
    """

    split: Literal["validation", "test"] | None = None
    """Only the models of this split."""
    category: str | None = None
    """Only the models of this category."""
    cache: Path | None = None
    """Cache folder; $HAZARDSIM_CACHE or ~/.cache/hazardsim if not given."""

    def run(self) -> int:
        """Write the table."""
        from hazardsim.catalogue.library import load_catalogue

        catalogue = load_catalogue(self.cache)
        known = sorted({asset.category for asset in catalogue.assets})
        if self.category is not None and self.category not in known:
            raise AssetError(f"no category {self.category!r}; there are: {', '.join(known)}")
        for asset in catalogue.assets:
            if self.split not in (None, asset.split) or self.category not in (None, asset.category):
                continue
            size = "x".join(f"{v:.2f}" for v in asset.size_m)
            sys.stdout.write(
                f"{asset.id:32} {asset.split:10} {asset.category:18} {size:>16} m {asset.triangles:6} {asset.licence}\n"
            )
        return 0

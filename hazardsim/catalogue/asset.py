"""What is known of an anomaly before its mesh is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hazardsim.catalogue.splits import AnomalySplit

PROJECT_LICENCE: Final = "MIT"


@dataclass(frozen=True, slots=True)
class AnomalyAsset:
    """One anomaly model: `size_m` = length along x, width, height; `sha256` is over mesh, materials and textures."""

    id: str
    category: str
    name: str
    size_m: tuple[float, float, float]
    split: AnomalySplit
    licence: str
    source: str
    attribution: str
    sha256: str
    triangles: int

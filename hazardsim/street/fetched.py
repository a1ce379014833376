"""Street models of the fetched pack that stand in for CARLA blueprints; absent where the pack is not fetched."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.assemble import GRID
from hazardsim.mesh.materials import Colour, paint
from hazardsim.mesh.model import Model, Part
from hazardsim.packs.store import StoredAsset, fetched_records, load_model, pack_folder
from hazardsim.packs.sweethome3d.curated import PACK, pack_list

_STRETCH: Final = 1.1
"""How much more one axis of a vehicle may be scaled than another, so that wheels stay round to the eye."""


def pack_vehicle(blueprint: str, size_m: tuple[float, float, float], colour: Colour, cache: Path) -> Model | None:
    """The pack's model for a vehicle blueprint, within the box `size_m`, its body in `colour`; None without one.

    Raises:
        AssetError: the pack in the cache is damaged.
    """
    listed = next((v for v in pack_list().vehicles if v.blueprint == blueprint), None)
    found = None if listed is None else _stored(listed.id, cache)
    if listed is None or found is None:
        return None
    folder, record = found
    original = load_model(folder, record)
    low, high = original.bounds()
    factors = np.asarray(size_m) / (high - low)
    factors = np.minimum(factors, float(factors.min()) * _STRETCH)
    coat = paint(colour)
    parts = [_scaled(p, factors) for p in original.parts]
    painted = tuple(replace(p, material=coat) if p.material.name in listed.body else p for p in parts)
    shade = "" if not listed.body else "-" + "".join(f"{round(c * 255):02x}" for c in colour)
    return Model(f"{blueprint}-{original.key}{shade}", painted)


def pack_walker(blueprint: str, height_m: float, cache: Path) -> Model | None:
    """The pack's model for a pedestrian blueprint, scaled to `height_m`; None without one.

    Raises:
        AssetError: the pack in the cache is damaged.
    """
    listed = next((p for p in pack_list().people if blueprint in p.blueprints), None)
    found = None if listed is None else _stored(listed.id, cache)
    if found is None:
        return None
    original = load_model(*found)
    low, high = original.bounds()
    factor = np.full(3, height_m / float(high[2] - low[2]))
    return Model(f"{blueprint}-{original.key}", tuple(_scaled(p, factor) for p in original.parts))


def _scaled(old: Part, factors: NDArray[np.float64]) -> Part:
    vertices = (np.round(old.vertices * factors * GRID) / GRID).astype(np.float32)
    normals = old.normals
    if normals is not None:
        bent = normals / factors
        normals = (bent / np.maximum(np.linalg.norm(bent, axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return replace(old, vertices=vertices, normals=normals)


def _stored(asset_id: str, cache: Path) -> tuple[Path, StoredAsset] | None:
    folder = pack_folder(cache, PACK, pack_list().package.version)
    record = _records(folder).get(asset_id)
    return None if record is None else (folder / asset_id, record)


@lru_cache(maxsize=8)
def _records(folder: Path) -> dict[str, StoredAsset]:
    return {record.id: record for record in fetched_records(folder)}

"""Street models of fetched packs that stand in for CARLA blueprints; absent where no pack with one is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.assemble import GRID
from hazardsim.mesh.materials import Colour, paint
from hazardsim.mesh.model import Model, Part
from hazardsim.packs import PACKS
from hazardsim.packs.entries import PackedPerson, PackedVehicle
from hazardsim.packs.pack import Pack
from hazardsim.packs.store import StoredAsset, fetched_records, load_model, pack_folder

Entry = TypeVar("Entry", PackedVehicle, PackedPerson)

_STRETCH: Final = 1.1
"""How much more one axis of a vehicle may be scaled than another, so that wheels stay round to the eye."""


def fetched_vehicle(blueprint: str, size_m: tuple[float, float, float], colour: Colour, cache: Path) -> Model | None:
    """A fetched model for a vehicle blueprint, within the box `size_m`, its body in `colour`; None without one.

    Raises:
        AssetError: a pack in the cache is damaged.
    """
    found = _first(((p, v) for p in PACKS.values() for v in p.contents().vehicles if v.blueprint == blueprint), cache)
    if found is None:
        return None
    listed, original = found
    low, high = original.bounds()
    factors = np.asarray(size_m) / (high - low)
    factors = np.minimum(factors, float(factors.min()) * _STRETCH)
    coat = paint(colour)
    parts = [_scaled(p, factors) for p in original.parts]
    painted = tuple(replace(p, material=coat) if p.material.name in listed.body else p for p in parts)
    shade = "" if not listed.body else "-" + "".join(f"{round(c * 255):02x}" for c in colour)
    return Model(f"{blueprint}-{original.key}{shade}", painted)


def fetched_walker(blueprint: str, height_m: float, cache: Path) -> Model | None:
    """A fetched model for a pedestrian blueprint, scaled to `height_m`; None without one.

    Raises:
        AssetError: a pack in the cache is damaged.
    """
    found = _first(((p, q) for p in PACKS.values() for q in p.contents().people if blueprint in q.blueprints), cache)
    if found is None:
        return None
    _, original = found
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


def _first(choices: Iterable[tuple[Pack, Entry]], cache: Path) -> tuple[Entry, Model] | None:
    """The first of the entries that is fetched, and its model."""
    for pack, entry in choices:
        folder = pack_folder(cache, pack.name, pack.version)
        record = _records(folder).get(entry.id)
        if record is not None:
            return entry, load_model(folder / entry.id, record)
    return None


@lru_cache(maxsize=8)
def _records(folder: Path) -> dict[str, StoredAsset]:
    return {record.id: record for record in fetched_records(folder)}

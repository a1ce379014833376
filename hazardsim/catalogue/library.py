"""All anomaly models that can be used now: the procedural ones, those of fetched packs, and the user's own."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from hazardsim.catalogue.asset import PROJECT_LICENCE, AnomalyAsset
from hazardsim.catalogue.own import own_models
from hazardsim.catalogue.procedural import RECIPES, procedural_model
from hazardsim.catalogue.splits import AnomalySplit, split_of_category
from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import digest
from hazardsim.mesh.model import Model
from hazardsim.packs import PACKS, fetch_command
from hazardsim.packs.store import StoredAsset, fetched_records, load_model, pack_folder
from hazardsim.user_cache import remembered

Loader = Callable[[], Model]


class Catalogue:
    """A fixed set of anomaly assets, and their models on demand."""

    def __init__(self, items: Iterable[tuple[AnomalyAsset, Loader]]) -> None:
        listed = sorted(items, key=lambda item: item[0].id)
        self.assets: tuple[AnomalyAsset, ...] = tuple(asset for asset, _ in listed)
        self._by_id = {asset.id: asset for asset in self.assets}
        self._loaders = {asset.id: load for asset, load in listed}
        self._models: dict[str, Model] = {}
        _check_splits(self.assets)

    def get(self, asset_id: str) -> AnomalyAsset:
        """The asset of that id.

        Raises:
            AssetError: it is unknown (close names are given), or belongs to a pack that was not fetched.
        """
        asset = self._by_id.get(asset_id)
        if asset is not None:
            return asset
        for pack in PACKS.values():
            if any(entry.id == asset_id for entry in pack.contents().anomalies):
                raise AssetError(
                    f"asset {asset_id!r} belongs to the pack {pack.name!r}, which is not fetched; "
                    f"run '{fetch_command(pack.name)}'"
                )
        close = difflib.get_close_matches(asset_id, self._by_id, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(close)}?" if close else "'hazardsim assets list' shows what there is"
        raise AssetError(f"unknown asset {asset_id!r}; {hint}")

    def model(self, asset_id: str) -> Model:
        """The model of an asset; loaded once.

        Raises:
            AssetError: the asset is unknown, its pack was not fetched, or its files are damaged.
        """
        asset = self.get(asset_id)
        if asset.id not in self._models:
            self._models[asset.id] = self._loaders[asset.id]()
        return self._models[asset.id]

    def of_split(self, split: AnomalySplit) -> tuple[AnomalyAsset, ...]:
        """The assets of one split, by id."""
        return tuple(asset for asset in self.assets if asset.split == split)

    @property
    def digest(self) -> str:
        """SHA-256 over all assets' records, as hexadecimal text: equal only for equal catalogues."""
        text = json.dumps([asdict(asset) for asset in self.assets], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _check_splits(assets: Iterable[AnomalyAsset]) -> None:
    found: dict[str, AnomalySplit] = {}
    for asset in assets:
        if found.setdefault(asset.category, asset.split) != asset.split:
            raise AssetError(
                f"asset {asset.id}: category {asset.category!r} is in both splits; one category, one split"
            )


def load_catalogue(cache: Path | None = None) -> Catalogue:
    """The procedural assets, those of the packs in the user's cache (or in `cache`), and the user's own.

    Raises:
        AssetError: a pack or a model in the cache is damaged.
    """
    return Catalogue([*_procedural(), *_fetched(cache), *_own(cache)])


@cache
def _procedural() -> tuple[tuple[AnomalyAsset, Loader], ...]:
    splits = split_of_category()
    measures = remembered("procedural-anomalies.json", _measure_all, _to_json, json.loads)
    items = []
    for asset_id, recipe in RECIPES.items():
        length, width, height = measures[asset_id]["size_m"]
        asset = AnomalyAsset(
            id=asset_id,
            category=recipe.category,
            name=recipe.name,
            size_m=(length, width, height),
            split=splits[recipe.category],
            licence=PROJECT_LICENCE,
            source="procedural",
            attribution="hazardsim's own code",
            sha256=measures[asset_id]["sha256"],
            triangles=measures[asset_id]["triangles"],
        )
        items.append((asset, partial(_made, asset_id)))
    return tuple(items)


_made = cache(procedural_model)


def _measure_all() -> dict[str, dict[str, Any]]:
    """What the records say of each procedural model: size, checksum, triangles."""
    return {asset_id: _measure(_made(asset_id)) for asset_id in RECIPES}


def _measure(model: Model) -> dict[str, Any]:
    low, high = model.bounds()
    return {
        "size_m": [round(float(v), 4) for v in high - low],
        "sha256": digest(model.parts),
        "triangles": sum(len(p.faces) for p in model.parts),
    }


def _to_json(data: object) -> bytes:
    return json.dumps(data).encode()


def _fetched(cache: Path | None) -> list[tuple[AnomalyAsset, Loader]]:
    splits = split_of_category()
    items: list[tuple[AnomalyAsset, Loader]] = []
    for pack in PACKS.values():
        folder = pack_folder(cache, pack.name, pack.version)
        stored = {record.id: record for record in fetched_records(folder)}
        for entry in pack.contents().anomalies:
            if entry.category not in splits:
                raise AssetError(
                    f"pack {pack.name}: {entry.id}: category {entry.category!r} has no split in assets/categories.yaml"
                )
            if entry.id in stored:
                asset = _asset(stored[entry.id], entry.category, splits[entry.category])
                items.append((asset, partial(load_model, folder / entry.id, stored[entry.id])))
    return items


def _own(cache: Path | None) -> list[tuple[AnomalyAsset, Loader]]:
    return [
        (replace(_asset(stored, category, split), source="own"), partial(load_model, folder, stored))
        for stored, category, split, folder in own_models(cache)
    ]


def _asset(record: StoredAsset, category: str, split: AnomalySplit) -> AnomalyAsset:
    return AnomalyAsset(
        id=record.id,
        category=category,
        name=record.name,
        size_m=record.size_m,
        split=split,
        licence=record.licence,
        source=record.source,
        attribution=record.attribution,
        sha256=record.sha256,
        triangles=record.triangles,
    )

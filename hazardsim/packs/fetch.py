"""Fetches a pack: from its archive to converted models in the user's cache, resumable, with their attribution."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from hazardsim.errors import AssetError
from hazardsim.files import write_whole
from hazardsim.packs.entries import PackEntry
from hazardsim.packs.pack import Pack
from hazardsim.packs.store import StoredAsset, pack_folder, save_asset, stored_asset

_REMEDY = "free space or choose another --cache"


def missing_entries(pack: Pack, cache: Path | None) -> list[PackEntry]:
    """What is listed but not yet in the cache."""
    folder = pack_folder(cache, pack.name, pack.version)
    return [entry for entry in pack.contents().entries() if not _is_current(folder, entry)]


def _is_current(folder: Path, entry: PackEntry) -> bool:
    stored = stored_asset(folder / entry.id)
    return stored is not None and stored.original == entry.model


def fetch_pack(pack: Pack, archive: Path | None, cache: Path | None = None, progress: bool = True) -> Path:
    """Convert everything that is listed and not yet there; gives the pack's folder.

    A fetch that was killed is continued. The manifest, and with it the pack, appears when all is done. `archive` may be
    None only where nothing is missing.

    Raises:
        AssetError: the archive fails its checksum, a model is missing or cannot be converted, or the cache cannot be
            written to.
    """
    folder = pack_folder(cache, pack.name, pack.version)
    todo = missing_entries(pack, cache)
    if todo:
        if archive is None:
            raise AssetError(f"{len(todo)} models of the pack {pack.name!r} are missing, and there is no archive of it")
        try:
            _convert_all(pack, archive, todo, folder, progress)
        except OSError as error:
            raise AssetError(
                f"cannot write to {folder}: {error.strerror or error}; free space or choose another --cache"
            ) from error
    _finish(pack, folder)
    return folder


def _convert_all(pack: Pack, archive: Path, todo: list[PackEntry], folder: Path, progress: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(".part-*"):
        shutil.rmtree(old, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".part-libraries-") as scratch,
        tqdm(total=len(todo), desc="converting", unit="model", disable=not progress, file=sys.stderr) as bar,
    ):
        for entry, whose, made in pack.models(archive, todo, Path(scratch)):
            record = StoredAsset(
                id=entry.id,
                **asdict(whose),
                changes=made.changes,
                size_m=made.size_m,
                triangles=made.triangles,
                sha256="",
            )
            save_asset(folder, record, made.parts, made.textures)
            bar.update()


def _finish(pack: Pack, folder: Path) -> None:
    entries = pack.contents().entries()
    records = [r for entry in entries if (r := stored_asset(folder / entry.id)) is not None]
    write_whole(folder / "ATTRIBUTION.md", [_attribution(pack, records).encode()], AssetError, _REMEDY)
    manifest = {"package": dict(pack.origin()), "assets": [asdict(r) for r in records]}
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    write_whole(folder / "manifest.json", [text.encode()], AssetError, _REMEDY)


def _attribution(pack: Pack, records: Iterable[StoredAsset]) -> str:
    lines = ["# Attribution", "", *pack.attribution(), "Whoever passes them on keeps these lines.", ""]
    lines += [f"- `{r.id}`: {r.attribution}. From {r.source}." for r in records]
    return "\n".join(lines) + "\n"

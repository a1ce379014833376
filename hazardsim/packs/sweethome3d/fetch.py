"""Fetches the default pack: Debian package -> furniture libraries -> converted models in the user's cache."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tqdm import tqdm

from hazardsim.errors import AssetError
from hazardsim.packs.store import StoredAsset, pack_folder, save_asset, stored_asset, write_bytes
from hazardsim.packs.sweethome3d.convert import convert
from hazardsim.packs.sweethome3d.curated import PACK, Anomaly, Library, PackList, StreetPerson, StreetVehicle
from hazardsim.packs.sweethome3d.debian_package import sha256_of, unpack_deb
from hazardsim.packs.sweethome3d.furniture_library import FurnitureLibrary

Entry = Anomaly | StreetVehicle | StreetPerson

_LOG: Final = logging.getLogger(__name__)
_POOL: Final = "https://deb.debian.org/debian/pool/main/s/sweethome3d-furniture/"


def missing_entries(listed: PackList, cache: Path | None) -> list[Entry]:
    """What is listed but not yet in the cache."""
    folder = pack_folder(cache, PACK, listed.package.version)
    return [entry for entry in listed.entries() if not _is_current(folder, entry)]


def _is_current(folder: Path, entry: Entry) -> bool:
    stored = stored_asset(folder / entry.id)
    return stored is not None and stored.original == entry.model


def download(listed: PackList, into: Path) -> Path:
    """Let apt put the package into the folder `into`; needs no root.

    Raises:
        AssetError: apt is absent, does not know the package, or fails.
    """
    hint = f"download {listed.package.name}_{listed.package.version}_all.deb from {_POOL} and give it with --deb"
    apt = shutil.which("apt-get")
    if apt is None:
        raise AssetError(f"apt-get is not on this system; {hint}")
    done = subprocess.run([apt, "download", listed.package.name], cwd=into, capture_output=True, text=True, check=False)
    found = sorted(into.glob(f"{listed.package.name}_*.deb"))
    if done.returncode != 0 or not found:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise AssetError(
            f"apt-get download {listed.package.name} failed: {last}; run 'apt-get update' first, or {hint}"
        )
    return found[0]


def fetch_pack(listed: PackList, deb: Path, cache: Path | None = None, progress: bool = True) -> Path:
    """Convert everything that is listed and not yet there; gives the pack's folder.

    A fetch that was killed is continued. The manifest, and with it the pack, appears when all is done.

    Raises:
        AssetError: the package or a library fails its checksum, a model is missing or cannot be converted, or the
            cache cannot be written to.
    """
    folder = pack_folder(cache, PACK, listed.package.version)
    todo = missing_entries(listed, cache)
    if todo:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob(".part-*"):
                shutil.rmtree(old, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".part-libraries-") as scratch:
                paths = _libraries(listed, deb, Path(scratch))
                _convert_all(listed, todo, paths, folder, progress)
        except OSError as error:
            raise AssetError(
                f"cannot write to {folder}: {error.strerror or error}; free space or choose another --cache"
            ) from error
    _finish(listed, folder)
    return folder


def _libraries(listed: PackList, deb: Path, scratch: Path) -> dict[str, Path]:
    """The libraries out of the package; if its checksum is another, each library must have its own."""
    wanted = {library.file: library for library in listed.libraries}
    known = sha256_of(deb) == listed.package.sha256
    paths = unpack_deb(deb, wanted, scratch)
    if not known:
        _LOG.info("%s is another build than the pinned one; checking each library", deb)
        for name, library in wanted.items():
            found = sha256_of(paths[name])
            if found != library.sha256:
                raise AssetError(f"{deb}: {name} has SHA-256 {found}, expected {library.sha256}; refused")
    return paths


def _convert_all(listed: PackList, todo: list[Entry], paths: dict[str, Path], folder: Path, progress: bool) -> None:
    with tqdm(total=len(todo), desc="converting", unit="model", disable=not progress, file=sys.stderr) as bar:
        left = {entry.model: entry for entry in todo}
        for library in listed.libraries:
            with FurnitureLibrary(paths[library.file]) as opened:
                for model in [m for m in left if m in opened.furniture]:
                    _convert_one(opened, library, left.pop(model), listed, folder)
                    bar.update()
    if left:
        raise AssetError(f"no library holds {', '.join(sorted(left))}; correct assets/{PACK}.yaml")


def _convert_one(opened: FurnitureLibrary, library: Library, entry: Entry, listed: PackList, folder: Path) -> None:
    item = opened.furniture[entry.model]
    made = convert(opened, item, entry.turn_deg)
    record = StoredAsset(
        id=entry.id,
        original=item.id,
        name=item.name,
        creator=item.creator,
        licence=library.licence,
        licence_url=library.licence_url,
        source=f"Debian {listed.package.name} {listed.package.version}, {library.file}",
        changes=made.changes,
        size_m=made.size_m,
        triangles=made.triangles,
        sha256="",
    )
    save_asset(folder, record, made.parts, made.textures)


def _finish(listed: PackList, folder: Path) -> None:
    records = [r for entry in listed.entries() if (r := stored_asset(folder / entry.id)) is not None]
    write_bytes(folder / "ATTRIBUTION.md", _attribution(listed, records).encode())
    manifest = {"package": asdict(listed.package), "assets": [asdict(r) for r in records]}
    write_bytes(folder / "manifest.json", (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())


def _attribution(listed: PackList, records: Iterable[StoredAsset]) -> str:
    lines = [
        "# Attribution",
        "",
        f"Models of the Debian package {listed.package.name} {listed.package.version}",
        f"(SHA-256 `{listed.package.sha256}`), converted by hazardsim for use on this machine.",
        "Whoever passes them on keeps these lines.",
        "",
    ]
    lines += [f"- `{r.id}`: {r.attribution}. From {r.source}." for r in records]
    return "\n".join(lines) + "\n"

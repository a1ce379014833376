"""The per-user cache of converted packs: one folder an asset, and a manifest that is written last.

    <cache>/packs/<pack>/<version>/manifest.json            what is there; absent while a fetch is not finished
    <cache>/packs/<pack>/<version>/<asset id>/model.json    materials and provenance
    <cache>/packs/<pack>/<version>/<asset id>/mesh.npz      v0, f0, u0, n0, v1, ...: the parts' arrays
    <cache>/packs/<pack>/<version>/<asset id>/*.jpg, *.png  textures

An asset's folder is written under another name and renamed, so a name that exists is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import AssetError
from hazardsim.mesh.model import Material, Model, Part
from hazardsim.user_cache import cache_root

CONVERTER: Final = 1
"""Raised whenever conversion changes what it writes; older caches are then converted again."""


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """A converted model: what it is, whose it is, and what was changed."""

    id: str
    original: str
    name: str
    creator: str
    licence: str
    licence_url: str
    source: str
    changes: tuple[str, ...]
    size_m: tuple[float, float, float]
    triangles: int
    sha256: str

    @property
    def attribution(self) -> str:
        """One line that credits the author as CC-BY asks."""
        changes = "; ".join(self.changes)
        return (
            f'"{self.name}" ({self.original}) by {self.creator}, {self.licence} {self.licence_url}; changed: {changes}'
        )


def pack_folder(cache: Path | None, pack: str, version: str) -> Path:
    """Where a pack's converted models are, or would be."""
    return cache_root(cache) / "packs" / pack / f"{version}-c{CONVERTER}"


def save_asset(pack: Path, stored: StoredAsset, parts: tuple[Part, ...], textures: Mapping[str, bytes]) -> StoredAsset:
    """Write one asset's folder and give back its record with the checksum of what was written.

    `textures` holds file contents by name; a material's `texture` is a bare path of such a name.

    Raises:
        AssetError: the cache cannot be written to.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for k, item in enumerate(parts):
        arrays |= {f"v{k}": item.vertices, f"f{k}": item.faces, f"u{k}": item.uv}
        if item.normals is not None:
            arrays[f"n{k}"] = item.normals
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    materials = [asdict(replace(p.material, texture=None)) | {"texture": _name(p.material)} for p in parts]
    files = {"mesh.npz": buffer.getvalue(), **dict(sorted(textures.items()))}
    files["materials.json"] = json.dumps(materials, indent=1, sort_keys=True).encode()
    whole = replace(stored, sha256=_digest(files))
    files["model.json"] = json.dumps(asdict(whole), indent=1, sort_keys=True).encode()
    target = pack / stored.id
    try:
        pack.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=pack, prefix=".part-") as draft:
            for name, content in files.items():
                (Path(draft) / name).write_bytes(content)
            if target.exists():
                shutil.rmtree(target)
            Path(draft).chmod(0o755)
            Path(draft).rename(target)
    except OSError as error:
        raise AssetError(
            f"cannot write {target}: {error.strerror or error}; free space or choose another --cache"
        ) from error
    return whole


def _name(material: Material) -> str | None:
    return None if material.texture is None else material.texture.name


def _digest(files: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(files):
        content = _mesh_bytes(files[name]) if name == "mesh.npz" else files[name]
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _mesh_bytes(packed: bytes) -> bytes:
    """The arrays' own bytes, so that another zlib's packing is the same mesh."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return b"".join(f"{k}{arrays[k].shape}".encode() + arrays[k].tobytes() for k in sorted(arrays.files))


def stored_asset(folder: Path) -> StoredAsset | None:
    """The record of a converted asset, or None where the folder does not hold one.

    Raises:
        AssetError: the record is damaged.
    """
    path = folder / "model.json"
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return stored_from_record(record, path)


def stored_from_record(record: Any, path: Path) -> StoredAsset:  # noqa: ANN401 - whatever JSON held
    """A record out of JSON.

    Raises:
        AssetError: keys are missing or unknown.
    """
    try:
        length, width, height = record["size_m"]
        return StoredAsset(**(record | {"size_m": (length, width, height), "changes": tuple(record["changes"])}))
    except (TypeError, KeyError, ValueError) as error:
        raise _damaged(path, error) from error


def load_model(folder: Path, stored: StoredAsset) -> Model:
    """The model of a converted asset, its bytes checked against the record.

    Raises:
        AssetError: a file is missing, damaged or altered.
    """
    try:
        names = sorted(p.name for p in folder.iterdir() if p.name != "model.json")
        files = {name: (folder / name).read_bytes() for name in names}
        if _digest(files) != stored.sha256:
            raise AssetError(f"{folder} was altered since it was fetched; remove it and run 'hazardsim assets fetch'")
        materials = json.loads(files["materials.json"])
        parts = []
        with np.load(io.BytesIO(files["mesh.npz"]), allow_pickle=False) as arrays:
            for k, entry in enumerate(materials):
                texture = None if entry["texture"] is None else folder / entry["texture"]
                emission = None if entry["emission"] is None else tuple(entry["emission"])
                material = Material(
                    **(entry | {"texture": texture, "colour": tuple(entry["colour"]), "emission": emission})
                )
                normals = arrays[f"n{k}"] if f"n{k}" in arrays.files else None
                parts.append(Part(arrays[f"v{k}"], arrays[f"f{k}"], arrays[f"u{k}"], material, normals))
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise _damaged(folder, error) from error
    return Model(f"{stored.id}-{stored.sha256[:16]}", tuple(parts))


def fetched_records(folder: Path) -> tuple[StoredAsset, ...]:
    """The records in a pack's manifest; none where the pack is not (wholly) fetched.

    Raises:
        AssetError: the manifest is damaged.
    """
    path = folder / "manifest.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        records = content["assets"]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return tuple(stored_from_record(record, path) for record in records)


def _damaged(path: Path, error: Exception) -> AssetError:
    return AssetError(f"{path} is damaged ({error}); remove it and run 'hazardsim assets fetch'")

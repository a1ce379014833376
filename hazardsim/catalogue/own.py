"""Anomaly models of the user's own: any mesh file that trimesh reads, converted into the user's cache.

<cache>/own/<id>/       the model, as packs keep theirs
<cache>/own/<id>.json   its category and split; written last, so where it is, the model is whole
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import trimesh
from numpy.typing import NDArray

from hazardsim.catalogue.splits import AnomalySplit, split_of_category
from hazardsim.errors import AssetError
from hazardsim.files import write_whole
from hazardsim.mesh.model import Material
from hazardsim.mesh.shape import rotation
from hazardsim.mesh.wavefront import MaterialGroup
from hazardsim.packs.convert import converted, sound_groups
from hazardsim.packs.store import StoredAsset, save_asset, stored_asset
from hazardsim.user_cache import cache_root

Up = Literal["y", "z"]
_UP_OF_ENDING: Final[Mapping[str, Up]] = {".glb": "y", ".gltf": "y", ".obj": "y"}
# Columns are the file's axes: with y up its front is +z, with z up it is +x.
_TO_WORLD: Final = {"y": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), "z": np.eye(3)}
_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SIZES_M: Final = (0.05, 12.0)
_TEXTURE_PX: Final = 2048
_ALIKE: Final = 32
"""Colours of faces within so many steps of 255 make one material."""


@dataclass(frozen=True, slots=True)
class OwnModel:
    """What a user says of a model.

    Args:
        id: lower case words with hyphens.
        category: a known one, or a new one.
        split: of a new category; a known one has its own.
        height_m: of the finished model; None takes the file's units as metres.
        up: which axis of the file points up; by its ending if None: y for glTF and OBJ, z for others.
        turn_deg: counter-clockwise from above, so that the front faces +x.
        licence: of the model.
        creator: whose it is.
    """

    id: str
    category: str
    split: AnomalySplit | None = None
    height_m: float | None = None
    up: Up | None = None
    turn_deg: float = 0.0
    licence: str = "not stated"
    creator: str = "not stated"


def add_own(path: Path, told: OwnModel, cache: Path | None = None) -> tuple[StoredAsset, AnomalySplit]:
    """Convert a mesh file into the cache; a model of the user's own with the same id is replaced.

    Raises:
        AssetError: the file cannot be read or converted, its size is no street object's, the category has no split or
            another one, or the cache cannot be written to.
    """
    if _ID.fullmatch(told.id) is None:
        raise AssetError(f"id {told.id!r}: use lower case letters, digits and hyphens, as in my-sofa")
    split = _split(told, cache)
    groups, textures = _read(path)
    groups = sound_groups(groups, str(path))
    up: Up = told.up if told.up is not None else _UP_OF_ENDING.get(path.suffix.lower(), "z")
    matrix = rotation("z", told.turn_deg) @ _TO_WORLD[up]
    heights = np.concatenate([(group.corners.reshape(-1, 3) @ matrix.T)[:, 2] for group in groups])
    scale = 1.0 if told.height_m is None else told.height_m / max(float(np.ptp(heights)), 1e-9)
    made = converted(groups, textures, matrix * scale, f"scaled by {scale:.5g}")
    if not _SIZES_M[0] <= max(made.size_m) <= _SIZES_M[1]:
        size = " x ".join(f"{side:g}" for side in made.size_m)
        raise AssetError(f"{path} is {size} m; a file in other units than metres needs its --height-m")
    record = StoredAsset(
        id=told.id,
        original=path.name,
        name=told.id.replace("-", " "),
        creator=told.creator,
        licence=told.licence,
        licence_url="",
        source=path.name,
        changes=made.changes,
        size_m=made.size_m,
        triangles=made.triangles,
        sha256="",
    )
    folder = cache_root(cache) / "own"
    (folder / f"{told.id}.json").unlink(missing_ok=True)
    stored = save_asset(folder, record, made.parts, made.textures)
    note = json.dumps({"category": told.category, "split": split}, sort_keys=True) + "\n"
    write_whole(folder / f"{told.id}.json", [note.encode()], AssetError, "free space or choose another --cache")
    return stored, split


def own_models(cache: Path | None = None) -> list[tuple[StoredAsset, str, AnomalySplit, Path]]:
    """Record, category, split and folder of every model of the user's own.

    Raises:
        AssetError: one is damaged; the message says which to remove.
    """
    found = []
    for note in sorted((cache_root(cache) / "own").glob("*.json")):
        stored = stored_asset(note.with_suffix(""))
        try:
            said = json.loads(note.read_text(encoding="utf-8"))
            category, split = str(said["category"]), said["split"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AssetError(f"{note} is damaged ({error}); remove it and add the model again") from error
        if stored is None or split not in ("validation", "test"):
            raise AssetError(f"{note} is damaged; remove it and add the model again with 'hazardsim assets add'")
        found.append((stored, category, split, note.with_suffix("")))
    return found


def _split(told: OwnModel, cache: Path | None) -> AnomalySplit:
    """The split of the category: the one it has, or of a new one, the one that is asked for, or that it had."""
    others: dict[str, AnomalySplit] = {}
    before: dict[str, AnomalySplit] = {}
    for stored, category, split, _ in own_models(cache):
        (before if stored.id == told.id else others)[category] = split
    has = (others | dict(split_of_category())).get(told.category)
    if has is not None and told.split not in (None, has):
        raise AssetError(f"category {told.category!r} belongs to {has}; one category, one split")
    found = has or told.split or before.get(told.category)
    if found is None:
        raise AssetError(f"category {told.category!r} is new: say by --split whether it is for validation or for test")
    return found


def _read(path: Path) -> tuple[list[MaterialGroup], dict[str, bytes]]:
    """Triangles by material, and textures by file name."""
    if not path.is_file():
        raise AssetError(f"{path}: there is no such file")
    try:
        scene: Any = trimesh.load_scene(path)
        meshes: list[Any] = [mesh for mesh in scene.dump() if isinstance(mesh, trimesh.Trimesh)]
    except Exception as error:  # whatever a parser raises on a stranger's file
        raise AssetError(f"{path} cannot be read as a mesh: {type(error).__name__}: {error}") from error
    groups: list[MaterialGroup] = []
    textures: dict[str, bytes] = {}
    for number, mesh in enumerate(meshes):
        corners, look = np.asarray(mesh.vertices, dtype=np.float64)[mesh.faces], mesh.visual
        if getattr(look, "material", None) is None:
            groups += _painted(corners, np.asarray(look.face_colors)[:, :3], f"m{number}")
            continue
        material, picture = _material(look.material, f"m{number}")
        uv = None if picture is None or look.uv is None else np.asarray(look.uv)[mesh.faces]
        if picture is not None and uv is not None:
            textures[f"m{number}.png"] = picture
            material = replace(material, texture=Path(f"m{number}.png"))
        groups.append(MaterialGroup(corners, uv, material))
    return groups, textures


def _painted(corners: NDArray[np.float64], colours: NDArray[np.uint8], name: str) -> list[MaterialGroup]:
    """A mesh whose faces have colours: a group for all that are nearly alike, in their mean."""
    _, which = np.unique(colours // _ALIKE, axis=0, return_inverse=True)
    which = which.reshape(-1)
    return [
        MaterialGroup(corners[which == k], None, Material(f"{name}-{k}", _rgb(colours[which == k].mean(axis=0))))
        for k in range(int(which.max(initial=-1)) + 1)
    ]


def _material(made: Any, name: str) -> tuple[Material, bytes | None]:  # noqa: ANN401 - trimesh has no types
    """Colour, roughness and metal of a material, and its picture as PNG."""
    rough, metal = getattr(made, "roughnessFactor", None), getattr(made, "metallicFactor", None)
    material = Material(
        name,
        _rgb(made.main_color),
        roughness=0.6 if rough is None else float(rough),
        metallic=0.0 if metal is None else float(metal),
    )
    picture = getattr(made, "baseColorTexture", None) or getattr(made, "image", None)
    if picture is None:
        return material, None
    stream = io.BytesIO()
    picture = picture.convert("RGB")
    picture.thumbnail((_TEXTURE_PX, _TEXTURE_PX))
    picture.save(stream, "PNG")
    return material, stream.getvalue()


def _rgb(colour: Any) -> tuple[float, float, float]:  # noqa: ANN401 - bytes of any array-like
    red, green, blue = (float(value) / 255.0 for value in np.asarray(colour)[:3])
    return red, green, blue

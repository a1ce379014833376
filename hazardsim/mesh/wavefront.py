"""OBJ models of a furniture library as parts: trimesh reads the mesh, the traps of these files are met here."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from hazardsim.errors import AssetError
from hazardsim.mesh.model import Material

_DEFAULT_COLOUR: Final = (0.6, 0.6, 0.6)
_UNSEEN: Final = 0.02
"""Materials with less opacity than this are helper surfaces and are left out."""


@dataclass(frozen=True, slots=True, eq=False)
class MaterialGroup:
    """Triangles of one material in the file's own axes: corners [F,3,3] and texture coordinates [F,3,2] or None."""

    corners: NDArray[np.float64]
    uv: NDArray[np.float64] | None
    material: Material


class OwnFolder(trimesh.resolvers.Resolver):
    """Gives trimesh the files of the model's own folder only.

    Absolute paths and paths elsewhere, which authors left in their files, count as missing: nothing outside the
    archive is ever opened. A material file under another name than the OBJ says is taken if it is the only one.
    """

    def __init__(self, files: Mapping[str, str], read: Callable[[str], bytes]) -> None:
        self._files = files
        self._read = read

    def find(self, name: str) -> str | None:
        """The member that a reference means, or None."""
        reference = PurePosixPath(name.strip().replace("\\", "/"))
        if reference.is_absolute() or ".." in reference.parts or ":" in name:
            return None
        found = self._files.get(reference.name.lower())
        if found is None and reference.suffix.lower() == ".mtl":
            libraries = [member for base, member in sorted(self._files.items()) if base.endswith(".mtl")]
            found = libraries[0] if len(libraries) == 1 else None
        return found

    def get(self, name: str) -> Any:  # noqa: ANN401 - trimesh's interface: text or bytes
        """Content of a referenced file."""
        member = self.find(name)
        if member is None:
            raise FileNotFoundError(name)
        content = self._read(member)
        return content.decode("latin-1") if member.lower().endswith(".mtl") else content

    def keys(self) -> list[str]:
        """Names in the folder."""
        return sorted(self._files)

    def write(self, name: str, data: Any) -> None:  # noqa: ANN401 - trimesh's interface
        """Refuse: an archive is only read."""
        raise PermissionError(f"cannot write {name} ({type(data).__name__}) into an archive")

    def namespaced(self, namespace: str) -> OwnFolder:
        """The same folder: there are no others."""
        del namespace
        return self


def read_obj(
    model: PurePosixPath, files: Mapping[str, str], read: Callable[[str], bytes]
) -> tuple[list[MaterialGroup], dict[str, bytes]]:
    """Material groups of an OBJ file, and the textures they use by new file name.

    Raises:
        AssetError: the file is not readable as OBJ or holds no triangle.
    """
    resolver = OwnFolder(files, read)
    text = io.StringIO(read(str(model)).decode("latin-1"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            scene = trimesh.load_scene(text, file_type="obj", resolver=resolver, process=False)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise AssetError(f"{model} is not readable as OBJ: {error}") from error
    groups: list[MaterialGroup] = []
    textures: dict[str, bytes] = {}
    for name in sorted(scene.geometry):
        mesh = scene.geometry[name]
        if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces):
            continue
        entry = getattr(mesh.visual, "material", None)
        uv = getattr(mesh.visual, "uv", None)
        material = material_from(entry, resolver, textures, textured=uv is not None)
        if material is None:
            continue
        faces = np.asarray(mesh.faces)
        corners = np.asarray(mesh.vertices, dtype=np.float64)[faces]
        coordinates = None if uv is None or material.texture is None else np.asarray(uv, dtype=np.float64)[faces]
        groups.append(MaterialGroup(corners, coordinates, material))
    if not groups:
        raise AssetError(f"{model} holds no triangle that can be seen")
    return groups, textures


def material_from(entry: Any, resolver: OwnFolder, textures: dict[str, bytes], textured: bool) -> Material | None:  # noqa: ANN401
    """A material from trimesh's reading of an MTL entry; None where it cannot be seen.

    A texture replaces `Kd`. Roughness is that of the Phong exponent: alpha = sqrt(2 / (Ns + 2)), and roughness is
    the square root of alpha. Source: Walter et al., Microfacet models for refraction, 2007, equation for Phong.
    """
    values: Mapping[str, Any] = getattr(entry, "kwargs", None) or {}
    opacity = _number(values.get("d"), 1.0)
    if opacity < _UNSEEN:
        return None
    colour = _colour(values.get("kd"), _DEFAULT_COLOUR)
    shine = max(_colour(values.get("ks"), (0.0, 0.0, 0.0)))
    exponent = _number(values.get("ns"), 10.0)
    roughness = (2.0 / (max(exponent, 0.0) + 2.0)) ** 0.25 if shine > 0.05 else 0.85
    mirror = _number(values.get("illum"), 2.0) in (3.0, 5.0) and shine > 0.6
    texture = None
    image = getattr(entry, "image", None)
    if textured and image is not None:
        texture = _texture(str(image.info.get("file_path", "")), resolver, textures)
    return Material(
        name=str(getattr(entry, "name", None) or "default"),
        colour=colour,
        texture=texture,
        roughness=float(np.clip(roughness, 0.12, 0.95)),
        metallic=0.9 if mirror else 0.0,
        opacity=float(min(opacity, 1.0)),
    )


def _texture(name: str, resolver: OwnFolder, textures: dict[str, bytes]) -> Path | None:
    """Keep a referenced image under a plain name: JPEG as it is, all else as an opaque PNG; None if unreadable."""
    try:
        content = resolver.get(name)
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            if image.format == "JPEG" and image.mode == "RGB":
                ending, kept = "jpg", content
            else:
                buffer = io.BytesIO()
                _opaque(image).save(buffer, format="PNG")
                ending, kept = "png", buffer.getvalue()
    except (FileNotFoundError, OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    for known, stored in textures.items():
        if stored == kept:
            return Path(known)
    label = f"texture{len(textures)}.{ending}"
    textures[label] = kept
    return Path(label)


def _opaque(image: Image.Image) -> Image.Image:
    return image.convert("RGBA").convert("RGB")


def _number(value: object, default: float) -> float:
    if isinstance(value, list | tuple):
        value = value[-1] if value else default
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default
    return number if math.isfinite(number) else default


def _colour(value: object, default: tuple[float, float, float]) -> tuple[float, float, float]:
    if not isinstance(value, list | tuple) or len(value) < 3:
        return default
    red, green, blue = (min(max(_number(v, 0.0), 0.0), 1.0) for v in value[:3])
    return red, green, blue

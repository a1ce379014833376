"""All materials of a scene as flat arrays: packed texels with their mip levels, and one row of numbers a material.

Materials of one surface share its texels; the tint is applied when a point is shaded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import RenderError
from hazardsim.mesh.model import Material, Surface
from hazardsim.server.render.noise import normals_from_height
from hazardsim.server.render.patterns import pattern
from hazardsim.user_cache import remembered

LARGEST_TEXTURE: Final = 1024
SLOPE_RANGE: Final = 2.0
"""Relief slopes are stored in a byte each, from -SLOPE_RANGE to SLOPE_RANGE."""
ROUGH_RANGE: Final = 1.0

# Share of water that a surface takes up (darkens) and whether puddles can stand on it.
_POROUS: Final[dict[Surface, float]] = {
    "asphalt": 1.0,
    "paving": 0.9,
    "kerb_stone": 0.7,
    "concrete": 0.8,
    "plaster": 0.5,
    "brick": 0.7,
    "roof_tiles": 0.7,
    "gravel": 0.8,
    "soil": 1.0,
    "grass": 0.35,
    "bark": 0.6,
    "foliage": 0.2,
    "wood": 0.5,
    "stone": 0.7,
    "fabric": 0.5,
    "lane_paint": 0.25,
    "rust": 0.4,
}
_PUDDLES: Final[frozenset[Surface]] = frozenset(
    {"asphalt", "lane_paint", "paving", "concrete", "kerb_stone", "soil", "gravel"}
)
_TRANSLUCENT: Final[dict[Surface, float]] = {"foliage": 0.3, "grass": 0.1}

Texels = NDArray[np.uint32]


def linear_from_srgb(srgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear light of sRGB values in 0..1. Source: IEC 61966-2-1."""
    value = np.asarray(srgb, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _mip_levels(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    levels = [image]
    while min(levels[-1].shape[:2]) > 1:
        last = levels[-1]
        levels.append(0.25 * (last[0::2, 0::2] + last[1::2, 0::2] + last[0::2, 1::2] + last[1::2, 1::2]))
    return levels


def _pack(channels: NDArray[np.float32]) -> Texels:
    """Four values in 0..1 in a word, first in the low byte: [H,W,4] f32 -> [H*W] u32."""
    byte = np.clip(np.rint(channels * 255), 0, 255).astype(np.uint32)
    return (byte[..., 0] | byte[..., 1] << 8 | byte[..., 2] << 16 | byte[..., 3] << 24).reshape(-1).astype(np.uint32)


def pack_texels(gain: NDArray[np.float32], tinted: NDArray[np.float32], largest: float) -> Texels:
    """Texels and mip levels one after the other: bytes are sqrt(gain / largest) of r, g, b, and the tinted share."""
    stacked = np.dstack([gain / largest, tinted]).astype(np.float32)
    packed = []
    for level in _mip_levels(stacked):
        coded = level.copy()
        coded[..., :3] = np.sqrt(np.clip(level[..., :3], 0, 1))
        packed.append(_pack(coded))
    return np.concatenate(packed)


def pack_relief(slopes: NDArray[np.float32], rough: NDArray[np.float32]) -> Texels:
    """Slopes [N,N,2], roughness offsets [N,N] and their mip levels; a byte each."""
    coded = 0.5 + 0.5 * np.clip(np.dstack([slopes / SLOPE_RANGE, rough / ROUGH_RANGE]), -1, 1)
    wide = np.dstack([coded, np.zeros_like(rough)]).astype(np.float32)
    return np.concatenate([_pack(level) for level in _mip_levels(wide)])


def read_texture(path: Path) -> NDArray[np.float32]:
    """Linear albedo [H,W,3] f32 of an image file, sides powers of two, row 0 at v = 0.

    Raises:
        RenderError: the file is missing or is not an image.
    """
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise RenderError(f"texture {path}: cannot be read ({error.strerror}); restore the file") from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise RenderError(f"texture {path}: not an image that OpenCV can read; convert it to PNG or JPEG")
    sides = [min(LARGEST_TEXTURE, 1 << max(0, round(np.log2(side)))) for side in image.shape[1::-1]]
    smaller = sides[0] * sides[1] < image.shape[0] * image.shape[1]
    image = cv2.resize(image, sides, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return linear_from_srgb(image[::-1, :, ::-1].astype(np.float64) / 255.0).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceImage:
    """A surface as the shader takes it: `texels` and `relief` (None where flat) with mip levels, `size` texels a side.

    `largest` is the gain of a texel of 255, `period_m` and `fixed` are the pattern's.
    """

    size: int
    period_m: float
    fixed: tuple[float, float, float]
    largest: float
    texels: Texels
    relief: Texels | None

    def encoded(self) -> bytes:
        """A line of JSON, then the words of both images."""
        facts = [self.size, self.period_m, list(self.fixed), self.largest, self.texels.size]
        words = self.texels if self.relief is None else np.concatenate([self.texels, self.relief])
        return json.dumps(facts).encode() + b"\n" + words.astype("<u4").tobytes()

    @staticmethod
    def decoded(content: bytes) -> SurfaceImage:
        """What `encoded` made of it."""
        line, _, words = content.partition(b"\n")
        size, period_m, fixed, largest, count = json.loads(line)
        both = np.frombuffer(words, dtype="<u4").astype(np.uint32)
        relief = both[count:] if both.size > count else None
        return SurfaceImage(size, period_m, (fixed[0], fixed[1], fixed[2]), largest, both[:count], relief)


@cache
def surface_image(surface: Surface) -> SurfaceImage:
    """The packed pattern of a surface; kept in the user's cache, since it depends on code alone."""
    name = f"surface-{surface}.bin"
    return remembered(name, partial(_packed, surface), SurfaceImage.encoded, SurfaceImage.decoded)


def _packed(surface: Surface) -> SurfaceImage:
    tile = pattern(surface)
    gain = np.repeat(tile.gain[..., None], 3, axis=-1) if tile.gain.ndim == 2 else tile.gain
    largest = max(float(np.percentile(gain[::2, ::2], 99.9)), 1.0)
    texels, relief = pack_texels(gain, tile.tinted, largest), None
    if np.any(tile.height_m) or np.any(tile.rough):
        relief = pack_relief(normals_from_height(tile.height_m, tile.period_m / tile.size), tile.rough)
    return SurfaceImage(tile.size, float(tile.period_m), tile.fixed, largest, texels, relief)


@dataclass(frozen=True, slots=True, eq=False)
class MaterialTables:
    """What the shader gathers from: packed words image by image, `words` [M,4] u32, `numbers` [M,20] f32."""

    texels: tuple[Texels, ...]
    relief: tuple[Texels, ...]
    words: NDArray[np.uint32]
    numbers: NDArray[np.float32]


NUMBERS: Final = 20
(
    SCALE,
    ROUGHNESS,
    SPECULAR,
    METALLIC,
    TRANSLUCENT,
    OPACITY,
    POROUS,
    PUDDLE,
    EMIT,
    TINT,
    FIXED,
    GROUND,
    LARGEST,
) = (0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 14, 17, 18)


def _sides(width: int, height: int) -> int:
    return int(np.log2(width)) | int(np.log2(height)) << 8


class MaterialLibrary:
    """Materials in the order in which they were first asked for; equal materials share a row."""

    def __init__(self) -> None:
        self._index: dict[Material, int] = {}
        self._texels: list[Texels] = []
        self._relief: list[Texels] = [np.full(1, 0x808080, dtype=np.uint32)]
        self._images: dict[Surface | Path, tuple[int, int, int, int, float]] = {}
        self._words: list[tuple[int, int, int, int]] = []
        self._numbers: list[NDArray[np.float32]] = []

    def __len__(self) -> int:
        return len(self._index)

    def index(self, material: Material) -> int:
        """The row of a material.

        Raises:
            RenderError: its texture cannot be read, or a number is out of range.
        """
        row = self._index.get(material)
        if row is None:
            row = self._add(material)
            self._index[material] = row
        return row

    def materials(self) -> tuple[Material, ...]:
        """All materials, by row."""
        return tuple(self._index)

    def tables(self) -> MaterialTables:
        """Everything so far; never without a row. An image is added behind those that were there before."""
        if not self._index:
            self.index(Material("none"))
        return MaterialTables(
            tuple(self._texels),
            tuple(self._relief),
            np.array(self._words, dtype=np.uint32).reshape(-1, 4),
            np.stack(self._numbers).astype(np.float32),
        )

    def _image(self, source: Surface | Path) -> tuple[int, int, int, int, float]:
        """Where the texels and the relief of a surface or image file lie, and the largest gain."""
        if source not in self._images:
            base = sum(t.size for t in self._texels)
            if isinstance(source, Path):
                albedo = read_texture(source)
                self._texels.append(pack_texels(albedo, np.ones(albedo.shape[:2], dtype=np.float32), 1.0))
                self._images[source] = (base, _sides(albedo.shape[1], albedo.shape[0]), 0, 0, 1.0)
            else:
                packed = surface_image(source)
                sides = _sides(packed.size, packed.size)
                self._texels.append(packed.texels)
                relief = (0, 0)
                if packed.relief is not None:
                    relief = (sum(r.size for r in self._relief), sides)
                    self._relief.append(packed.relief)
                self._images[source] = (base, sides, *relief, packed.largest)
        return self._images[source]

    def _add(self, material: Material) -> int:
        values = (*material.colour, material.roughness, material.metallic, material.opacity, *(material.emission or ()))
        if not np.all(np.isfinite(values)) or min(values) < 0 or material.opacity > 1:
            raise RenderError(f"material {material.name}: a number is negative, not finite or out of range; correct it")
        plain = material.texture is None
        tile = surface_image(material.surface)
        *words, largest = self._image(material.surface if material.texture is None else material.texture)
        row = np.zeros(NUMBERS, dtype=np.float32)
        row[SCALE] = 1.0 / tile.period_m if plain else 1.0
        row[ROUGHNESS] = np.clip(material.roughness, 0.02, 1.0)
        row[SPECULAR] = 0.08 if material.surface == "glass" else 0.02 if material.roughness > 0.85 else 0.04
        row[METALLIC] = min(material.metallic, 1.0)
        row[TRANSLUCENT] = _TRANSLUCENT.get(material.surface, 0.0)
        row[OPACITY] = material.opacity
        row[POROUS] = _POROUS.get(material.surface, 0.1)
        row[PUDDLE] = float(material.surface in _PUDDLES)
        row[GROUND] = float(material.surface in _PUDDLES or material.surface == "grass")
        row[EMIT : EMIT + 3] = material.emission or (0.0, 0.0, 0.0)
        row[TINT : TINT + 3] = linear_from_srgb(np.array(material.colour)) if plain else 1.0
        row[FIXED : FIXED + 3] = tile.fixed
        row[LARGEST] = largest
        self._words.append((words[0], words[1], words[2], words[3]))
        self._numbers.append(row)
        return len(self._numbers) - 1

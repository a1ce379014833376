"""The palette of a town: its materials, and the colours that they come in, as sRGB."""

from __future__ import annotations

from typing import Final

import numpy as np

from hazardsim.mesh.materials import Colour
from hazardsim.mesh.model import Material, Surface


def tint(name: str, surface: Surface, colour: Colour, roughness: float = 0.8, metallic: float = 0.0) -> Material:
    """A material of a named surface; the name carries the colour, so that equal names are equal materials."""
    code = "".join(f"{round(c * 255):02x}" for c in colour)
    return Material(f"{name}_{code}", colour, surface, roughness=roughness, metallic=metallic)


ASPHALT: Final = tint("road", "asphalt", (0.30, 0.30, 0.31), 0.9)
LOT: Final = tint("lot", "asphalt", (0.36, 0.35, 0.34), 0.9)
WHITE_PAINT: Final = tint("paint", "lane_paint", (0.86, 0.86, 0.84), 0.7)
YELLOW_PAINT: Final = tint("paint", "lane_paint", (0.87, 0.66, 0.16), 0.7)
KERB: Final = tint("kerb", "kerb_stone", (0.62, 0.61, 0.59))
PAVING: Final = tint("sidewalk", "paving", (0.60, 0.58, 0.55))
PLAZA: Final = tint("plaza", "paving", (0.66, 0.60, 0.53))
GRASS: Final = tint("lawn", "grass", (0.30, 0.41, 0.19), 0.95)
MEADOW: Final = tint("meadow", "grass", (0.38, 0.43, 0.24), 0.95)
SOIL: Final = tint("soil", "soil", (0.36, 0.29, 0.22), 0.95)
GRAVEL: Final = tint("path", "gravel", (0.58, 0.54, 0.48), 0.95)
WATER: Final = Material("water", (0.10, 0.17, 0.18), "plain", roughness=0.06)
STONE: Final = tint("quay", "stone", (0.52, 0.50, 0.46))
CONCRETE: Final = tint("concrete", "concrete", (0.62, 0.61, 0.59))
STEEL: Final = tint("steel", "metal", (0.62, 0.64, 0.66), 0.4, 0.9)
DARK_STEEL: Final = tint("steel", "painted_metal", (0.12, 0.13, 0.14), 0.45)
GREEN_STEEL: Final = tint("steel", "painted_metal", (0.10, 0.22, 0.16), 0.45)
GREY_STEEL: Final = tint("steel", "painted_metal", (0.48, 0.50, 0.51), 0.5)
RED_STEEL: Final = tint("steel", "painted_metal", (0.70, 0.10, 0.08), 0.4)
BLUE_STEEL: Final = tint("steel", "painted_metal", (0.08, 0.22, 0.50), 0.4)
YELLOW_STEEL: Final = tint("steel", "painted_metal", (0.90, 0.68, 0.08), 0.4)
WHITE_STEEL: Final = tint("steel", "painted_metal", (0.90, 0.90, 0.88), 0.4)
TIMBER: Final = tint("timber", "wood", (0.48, 0.33, 0.20))
GREY_TIMBER: Final = tint("timber", "wood", (0.50, 0.46, 0.40))
WHITE_TIMBER: Final = tint("timber", "wood", (0.86, 0.85, 0.81))
WINDOW: Final = Material("window_dark", (0.09, 0.12, 0.14), "glass", roughness=0.05)
CURTAIN: Final = Material("window_curtain", (0.50, 0.50, 0.46), "glass", roughness=0.08)
BLIND: Final = Material("window_blind", (0.27, 0.29, 0.29), "glass", roughness=0.08)
SHOP_WINDOW: Final = Material("window_shop", (0.14, 0.16, 0.16), "glass", roughness=0.05)
CLEAR_GLASS: Final = Material("pane", (0.80, 0.88, 0.88), "glass", roughness=0.05, opacity=0.25)
LAMP_GLASS: Final = Material("lamp_glass", (0.90, 0.89, 0.82), "plain", roughness=0.2)

WALLS: Final[dict[str, tuple[tuple[Surface, Colour], ...]]] = {
    "brick": (
        ("brick", (0.52, 0.27, 0.20)),
        ("brick", (0.60, 0.36, 0.25)),
        ("brick", (0.44, 0.26, 0.22)),
        ("brick", (0.64, 0.50, 0.36)),
        ("brick", (0.56, 0.31, 0.26)),
    ),
    "plaster": (
        ("plaster", (0.86, 0.82, 0.72)),
        ("plaster", (0.83, 0.72, 0.54)),
        ("plaster", (0.79, 0.79, 0.77)),
        ("plaster", (0.74, 0.60, 0.50)),
        ("plaster", (0.68, 0.73, 0.71)),
        ("plaster", (0.88, 0.86, 0.82)),
        ("plaster", (0.80, 0.66, 0.60)),
    ),
    "concrete": (("concrete", (0.62, 0.61, 0.58)), ("concrete", (0.52, 0.52, 0.52)), ("concrete", (0.68, 0.64, 0.58))),
    "stone": (("stone", (0.68, 0.62, 0.52)), ("stone", (0.58, 0.54, 0.48)), ("stone", (0.60, 0.60, 0.57))),
}
ROOFS: Final[tuple[Colour, ...]] = ((0.55, 0.27, 0.19), (0.46, 0.24, 0.19), (0.30, 0.30, 0.31), (0.40, 0.31, 0.26))
TRIMS: Final[tuple[Colour, ...]] = ((0.86, 0.84, 0.79), (0.72, 0.69, 0.62), (0.60, 0.58, 0.55))
FRAMES: Final[tuple[Colour, ...]] = ((0.90, 0.90, 0.87), (0.24, 0.23, 0.22), (0.36, 0.25, 0.17), (0.84, 0.82, 0.76))
DOORS: Final[tuple[Colour, ...]] = ((0.34, 0.16, 0.12), (0.13, 0.24, 0.20), (0.16, 0.20, 0.33), (0.30, 0.24, 0.18))
FASCIAS: Final[tuple[Colour, ...]] = (
    (0.55, 0.12, 0.10),
    (0.10, 0.26, 0.22),
    (0.12, 0.18, 0.36),
    (0.20, 0.19, 0.18),
    (0.76, 0.58, 0.20),
    (0.62, 0.60, 0.55),
)


def varied(colour: Colour, rng: np.random.Generator, spread: float = 0.04) -> Colour:
    """The colour a little lighter or darker, in eight steps so that materials stay few."""
    shift = spread * (float(rng.integers(0, 8)) - 3.5) / 3.5
    r, g, b = (min(max(c * (1.0 + shift), 0.02), 0.95) for c in colour)
    return r, g, b


def colour_from_text(text: str) -> Colour | None:
    """An OSM `building:colour`: `#rrggbb` or one of the usual words; None if it is neither."""
    words: dict[str, Colour] = {
        "white": (0.88, 0.87, 0.84),
        "grey": (0.58, 0.58, 0.57),
        "gray": (0.58, 0.58, 0.57),
        "beige": (0.80, 0.73, 0.60),
        "brown": (0.45, 0.32, 0.24),
        "red": (0.56, 0.26, 0.21),
        "yellow": (0.82, 0.72, 0.46),
        "black": (0.16, 0.16, 0.16),
        "silver": (0.68, 0.69, 0.70),
    }
    if text.startswith("#") and len(text) == 7:
        try:
            number = int(text[1:], 16)
        except ValueError:
            return None
        return (number >> 16 & 255) / 255, (number >> 8 & 255) / 255, (number & 255) / 255
    return words.get(text.lower())

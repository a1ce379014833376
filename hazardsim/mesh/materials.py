"""The materials that procedural models share."""

from __future__ import annotations

from typing import Final

from hazardsim.mesh.model import Material

Colour = tuple[float, float, float]

DARK_PLASTIC: Final = Material("dark_plastic", (0.06, 0.06, 0.065), roughness=0.65)
SHADOW: Final = Material("shadow", (0.015, 0.015, 0.015), roughness=0.95)
TYRE: Final = Material("tyre", (0.045, 0.045, 0.048), "rubber", roughness=0.9)
ALLOY: Final = Material("alloy", (0.62, 0.63, 0.65), roughness=0.3, metallic=0.9)
CHROME: Final = Material("chrome", (0.8, 0.8, 0.81), roughness=0.12, metallic=1.0)
STEEL: Final = Material("steel", (0.5, 0.51, 0.52), "metal", roughness=0.4, metallic=0.9)
TINTED_GLASS: Final = Material("tinted_glass", (0.03, 0.036, 0.04), roughness=0.04)
HEADLIGHT: Final = Material("headlight", (0.85, 0.87, 0.9), roughness=0.08, metallic=0.5)
TAILLIGHT: Final = Material("taillight", (0.5, 0.015, 0.02), roughness=0.12)
INDICATOR: Final = Material("indicator", (0.85, 0.36, 0.03), roughness=0.15)
PLATE: Final = Material("number_plate", (0.85, 0.85, 0.8), roughness=0.5)


def paint(colour: Colour) -> Material:
    """Clear-coated vehicle paint."""
    return Material("paint", colour, "painted_metal", roughness=0.18)


def cloth(name: str, colour: Colour) -> Material:
    """Woven material."""
    return Material(name, colour, "fabric", roughness=0.9)


def wooden(name: str, colour: Colour) -> Material:
    """Planed or varnished wood."""
    return Material(name, colour, "wood", roughness=0.6)

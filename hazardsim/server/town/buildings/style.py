"""What a building looks like, from its OSM tags and, where they are silent, from a seeded choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from hazardsim.mesh.model import Material
from hazardsim.server.town import palette
from hazardsim.server.town.maps.features import Feature

_HOUSES: Final = ("house", "detached", "residential", "semidetached_house", "terrace", "bungalow", "farm", "cabin")
_SHEDS: Final = ("garage", "garages", "shed", "carport", "roof", "hut", "kiosk", "service")
_HALLS: Final = ("industrial", "warehouse", "church", "hangar", "supermarket", "fuel")
_SHOPS: Final = ("retail", "commercial", "shop", "kiosk", "supermarket", "hotel")
_MAX_LEVELS = 60


@dataclass(frozen=True, slots=True, eq=False)
class BuildingStyle:
    """Sizes in metres and materials of one building; `roof` is flat, gabled or hipped."""

    storeys: int
    ground_m: float
    storey_m: float
    bay_m: float
    window_m: tuple[float, float]
    sill_m: float
    roof: str
    pitch_deg: float
    wall: Material
    base: Material
    trim: Material
    frame: Material
    door: Material
    roofing: Material
    fascia: Material
    has_shop: bool
    has_cornice: bool
    has_transom: bool
    shutters: Material | None
    balcony_share: float

    @property
    def eaves_m(self) -> float:
        """Height of the top of the walls over the ground, without parapet and roof."""
        return self.ground_m + self.storey_m * (self.storeys - 1)


def building_style(feature: Feature, area_m2: float, rng: np.random.Generator) -> BuildingStyle:
    """The style of one building footprint."""
    use = feature.tags.get("building", "yes")
    if use == "yes" and area_m2 < 35.0:
        use = "shed"
    guess = int(rng.integers(1, 3)) if use in _HOUSES else 1 if use in _SHEDS + _HALLS else int(rng.integers(2, 6))
    storeys = int(
        np.clip(feature.number("building:levels", feature.number("height", guess * 3.1) / 3.1), 1, _MAX_LEVELS)
    )
    small = use in _HOUSES or use in _SHEDS
    has_shop = use in _SHOPS or (use in ("yes", "apartments") and storeys > 2 and rng.random() < 0.35)
    material = _wall_kind(feature, small, storeys, rng)
    surface, plain = palette.WALLS[material][int(rng.integers(0, len(palette.WALLS[material])))]
    told = palette.colour_from_text(feature.tags.get("building:colour", ""))
    wall = palette.tint("wall", surface, palette.varied(told or plain, rng))
    base = wall
    if storeys > 2 and rng.random() < 0.6:
        kind, colour = palette.WALLS["stone"][int(rng.integers(0, 3))]
        base = palette.tint("wall", kind, colour)
    shape = feature.tags.get("roof:shape", "")
    if shape not in ("flat", "gabled", "hipped"):
        shape = {"pyramidal": "hipped", "half-hipped": "hipped", "skillion": "flat"}.get(shape, "")
    if not shape:
        shape = ("gabled", "hipped")[int(rng.random() < 0.35)] if storeys <= 3 and use in _HOUSES else "flat"
    roof_colour = palette.colour_from_text(feature.tags.get("roof:colour", ""))
    roof_tint = roof_colour or palette.ROOFS[int(rng.integers(0, len(palette.ROOFS)))]
    frame = palette.FRAMES[int(rng.integers(0, len(palette.FRAMES)))]
    door = palette.DOORS[int(rng.integers(0, len(palette.DOORS)))]
    trim = palette.TRIMS[int(rng.integers(0, len(palette.TRIMS)))]
    fascia = palette.FASCIAS[int(rng.integers(0, len(palette.FASCIAS)))]
    shuttered = small and material == "plaster" and rng.random() < 0.6
    tall = material == "concrete"
    return BuildingStyle(
        storeys=storeys,
        ground_m=3.9 if has_shop else 3.1,
        storey_m=3.0,
        bay_m=float(rng.uniform(2.5, 3.3)),
        window_m=(float(rng.uniform(1.0, 1.3)), float(rng.uniform(1.35, 1.65))) if not tall else (1.9, 1.5),
        sill_m=0.9,
        roof=shape,
        pitch_deg=float(rng.uniform(30.0, 42.0)),
        wall=wall,
        base=base,
        trim=palette.tint("trim", "plaster", trim),
        frame=palette.tint("frame", "painted_metal", frame, 0.5),
        door=palette.tint("door", "wood", door, 0.5),
        roofing=palette.tint("roof", "roof_tiles", palette.varied(roof_tint, rng)),
        fascia=palette.tint("fascia", "painted_metal", fascia, 0.5),
        has_shop=has_shop,
        has_cornice=shape == "flat" and not tall and use not in _SHEDS,
        has_transom=bool(rng.random() < 0.5),
        shutters=palette.tint("shutter", "painted_metal", door, 0.6) if shuttered else None,
        balcony_share=0.22 if storeys > 2 and rng.random() < 0.5 else 0.0,
    )


def _wall_kind(feature: Feature, small: bool, storeys: int, rng: np.random.Generator) -> str:
    told = feature.tags.get("building:material", "")
    known = {"brick": "brick", "plaster": "plaster", "concrete": "concrete", "stone": "stone", "sandstone": "stone"}
    if told in known:
        return known[told]
    if small:
        return ("plaster", "plaster", "brick")[int(rng.integers(0, 3))]
    choice = ("brick", "plaster", "plaster", "stone", "concrete" if storeys > 3 else "brick")
    return choice[int(rng.integers(0, 5))]

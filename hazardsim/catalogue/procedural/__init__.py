"""Anomalies that need no download: seeded recipes, each with a recognisable outline and a real-world size."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from hazardsim.catalogue.procedural import furniture, goods, outdoors
from hazardsim.mesh.assemble import model, stand
from hazardsim.mesh.encoding import decoded_parts, encoded_parts
from hazardsim.mesh.model import Model, Part
from hazardsim.user_cache import remembered


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one anomaly: `size_m` = length along x, width, height of the finished model."""

    category: str
    name: str
    size_m: tuple[float, float, float]
    build: Callable[[np.random.Generator], list[Part]]


RECIPES: Final[dict[str, Recipe]] = {
    "procedural-armchair": Recipe("armchair", "armchair", (0.92, 0.98, 0.85), furniture.armchair),
    "procedural-bathtub": Recipe("bathtub", "bathtub on feet", (1.71, 0.81, 0.85), furniture.bathtub),
    "procedural-beach-ball": Recipe("ball", "large beach ball", (0.90, 0.90, 0.90), outdoors.beach_ball),
    "procedural-beach-umbrella": Recipe("sunshade", "beach umbrella", (2.24, 2.24, 2.43), outdoors.beach_umbrella),
    "procedural-boulder": Recipe("boulder", "boulder", (1.30, 1.10, 0.85), outdoors.boulder),
    "procedural-crate": Recipe("crate", "wooden crate", (0.93, 0.93, 0.90), goods.wooden_crate),
    "procedural-dinosaur": Recipe("statue", "playground dinosaur", (4.10, 1.10, 2.60), outdoors.dinosaur_statue),
    "procedural-horse-statue": Recipe("statue", "bronze horse", (2.35, 0.70, 2.10), outdoors.horse_statue),
    "procedural-ladder": Recipe("ladder", "step ladder", (1.22, 0.50, 1.92), goods.ladder),
    "procedural-log-pile": Recipe("log", "pile of logs", (2.40, 1.02, 0.93), goods.log_pile),
    "procedural-mattress": Recipe("mattress", "double mattress", (2.00, 1.40, 0.22), furniture.mattress),
    "procedural-oil-barrel": Recipe("barrel", "steel drum", (0.59, 0.59, 0.88), goods.oil_barrel),
    "procedural-pallet": Recipe("pallet", "two pallets", (1.28, 0.96, 0.29), goods.pallet),
    "procedural-piano": Recipe("piano", "upright piano", (0.64, 1.52, 1.24), furniture.upright_piano),
    "procedural-refrigerator": Recipe("refrigerator", "fridge-freezer", (0.72, 0.60, 1.77), furniture.refrigerator),
    "procedural-rowing-boat": Recipe("boat", "rowing boat", (2.95, 1.25, 0.60), outdoors.rowing_boat),
    "procedural-rubber-duck": Recipe("inflatable", "inflatable duck", (1.45, 0.98, 1.13), outdoors.rubber_duck),
    "procedural-shopping-trolley": Recipe("trolley", "shopping trolley", (0.98, 0.56, 1.02), goods.shopping_trolley),
    "procedural-sofa": Recipe("sofa", "three-seat sofa", (0.92, 2.15, 0.85), furniture.sofa),
    "procedural-suitcase": Recipe("suitcase", "trolley case", (0.29, 0.49, 1.01), goods.suitcase),
    "procedural-tent": Recipe("tent", "ridge tent", (3.50, 1.62, 1.33), outdoors.tent),
    "procedural-tyre-stack": Recipe("tyre", "stack of tyres", (0.68, 0.68, 0.80), goods.tyre_stack),
    "procedural-wardrobe": Recipe("wardrobe", "wardrobe", (0.63, 1.22, 2.00), furniture.wardrobe),
}


def procedural_model(asset_id: str) -> Model:
    """The model of a recipe; depends on its id alone."""
    recipe = RECIPES[asset_id]
    seed = int.from_bytes(hashlib.sha256(asset_id.encode()).digest()[:8], "little")

    def built() -> tuple[Part, ...]:
        return stand(recipe.build(np.random.default_rng(seed)), recipe.size_m)

    return model(asset_id, remembered(f"{asset_id}.parts", built, encoded_parts, decoded_parts))

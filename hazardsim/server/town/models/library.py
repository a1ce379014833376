"""Every model of a town by its key."""

from __future__ import annotations

from hazardsim.mesh.model import TaggedPart
from hazardsim.server.town.models.furniture import FURNITURE
from hazardsim.server.town.models.plants import bush, tree
from hazardsim.server.town.models.signs import SIGNS
from hazardsim.server.town.models.traffic_lights import TRAFFIC_LIGHTS


def model_parts(key: str) -> tuple[TaggedPart, ...]:
    """The parts of `tree_SPECIES_VARIANT`, the same with `_far`, `bush_VARIANT`, or a key of the tables."""
    if key.startswith("tree_"):
        _, name, variant, *far = key.split("_")
        return tree(name, int(variant), bool(far))
    if key.startswith("bush_"):
        return bush(int(key[5:]))
    return (FURNITURE | SIGNS | TRAFFIC_LIGHTS)[key]()

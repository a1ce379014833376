"""Where the objects of a town are placed: its roads, its ground, and what it holds so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hazardsim.mesh.solid import Floats
from hazardsim.server.town.ground.areas import Ground
from hazardsim.server.town.maps.network import Network
from hazardsim.server.town.models.library import model_parts
from hazardsim.server.town.objects.contents import TownContents


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """What placing an object needs to know of its town."""

    network: Network
    ground: Ground
    contents: TownContents
    seed: int

    def rng_at(self, place: Floats) -> np.random.Generator:
        """A generator for one place, so that no feature changes another."""
        spot = [int(abs(v) * 100) for v in place[:2]]
        return np.random.default_rng([self.seed, *spot, int(place[0] < 0), int(place[1] < 0)])

    def add_model(self, key: str) -> None:
        """Keep a model of the library, if the town does not hold it yet."""
        if key not in self.contents.models:
            self.contents.add_model(key, model_parts(key))

"""Where procedural features are planned: the roads and ground of a town, and which places are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from hazardsim.mesh.outline import polygons
from hazardsim.server.town.ground.areas import Ground
from hazardsim.server.town.ground.occupancy import Occupancy
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import JunctionLeg
from hazardsim.server.town.maps.network import Network

Character = Literal["village", "town", "city"]
"""Houses in gardens, a mixture of both, or closed fronts."""


@dataclass(slots=True, eq=False)
class Site:
    """A town whose map is being completed; `made` are the features so far. Every kind draws from its own generator."""

    network: Network
    ground: Ground
    legs: Sequence[JunctionLeg]
    seed: int
    character: Character
    occupancy: Occupancy = field(default_factory=Occupancy)
    made: list[Feature] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Keep the carriageway and the mouths of crossings free."""
        for piece in self.ground.pieces:
            for part in shapely.get_parts(piece.area):
                for triangle in _tiles(part):
                    self.occupancy.take(triangle)
        for part in polygons(self.ground.water):
            self.occupancy.take(part)
        for leg in self.legs:
            half = 3.6 * max(len(leg.incoming), len(leg.outgoing), 1)
            self.occupancy.take(shapely.Point(leg.middle[:2]).buffer(half + 1.2))

    def rng(self, kind: int) -> np.random.Generator:
        """The generator of one kind of features."""
        return np.random.default_rng([self.seed, kind])

    def add_node(self, x: float, y: float, tags: dict[str, str]) -> None:
        """Make a feature of one point."""
        self.made.append(Feature(tags, np.array([[x, y]])))

    def reserve(self, features: Sequence[Feature]) -> None:
        """Take the places of what the map already has."""
        for feature in features:
            tags = feature.tags
            if "building" in tags and feature.closed:
                self.occupancy.take(feature.area())
            elif tags.get("leisure") in ("park", "garden") or tags.get("amenity") == "parking":
                if feature.closed:
                    self.occupancy.take(feature.area())
            elif "barrier" in tags and len(feature.points) > 1:
                self.occupancy.take(shapely.LineString(feature.points).buffer(0.4))
            elif len(feature.points) == 1 and ({"natural", "amenity", "traffic_sign"} & set(tags)):
                self.occupancy.take(shapely.Point(feature.points[0]).buffer(0.6))


def _tiles(area: BaseGeometry) -> list[BaseGeometry]:
    """The area cut into pieces of 32 m, quick to test."""
    x0, y0, x1, y1 = area.bounds
    tiles = []
    for x in np.arange(x0, x1, 32.0):
        for y in np.arange(y0, y1, 32.0):
            part = shapely.clip_by_rect(area, x, y, x + 32.0, y + 32.0)
            tiles += [p for p in shapely.get_parts(part) if not p.is_empty]
    return tiles

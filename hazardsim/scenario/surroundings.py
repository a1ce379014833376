"""What sampling knows of a town: its roads, what stands in it, and where the ground is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hazardsim.geometry.boxes import Box
from hazardsim.scenario.roads import Roads

GroundProbe = Callable[[float, float, float], "GroundPoint | None"]


@dataclass(frozen=True, slots=True)
class GroundPoint:
    """Height of the first surface below a point, and the CARLA tag of that surface."""

    z_m: float
    tag: int


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """A town as seen by the client; `ground(x, y, z)` looks straight down from a point."""

    town: str
    roads: Roads
    obstacles: tuple[Box, ...]
    ground: GroundProbe
    blueprints: frozenset[str]

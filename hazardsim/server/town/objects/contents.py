"""The objects and models of a town while it is being built."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import TaggedPart
from hazardsim.mesh.solid import Floats
from hazardsim.server.renderables import FIRST_TOWN_ID, TownObject
from hazardsim.server.town.maps.network import pose_at

_HEADROOM_M = 4.5


@dataclass(slots=True, eq=False)
class TownContents:
    """Hands out ids, keeps models once, and gathers static triangles."""

    builder: Builder = field(default_factory=Builder)
    models: dict[str, tuple[TaggedPart, ...]] = field(default_factory=dict)
    objects: list[TownObject] = field(default_factory=list)
    _boxes: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)

    @property
    def next_id(self) -> int:
        """The id of the next object."""
        return FIRST_TOWN_ID + len(self.objects)

    def add_model(self, key: str, parts: tuple[TaggedPart, ...]) -> None:
        """Keep a model; what reaches out above 4.5 m (arms over the lanes) does not widen its box."""
        points = np.concatenate([p.part.vertices[np.unique(p.part.faces)] for p in parts]).astype(np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        under = points[points[:, 2] < _HEADROOM_M]
        low[:2], high[:2] = under[:, :2].min(axis=0), under[:, :2].max(axis=0)
        self.models[key] = parts
        self._boxes[key] = low, high

    def place_model(self, name: str, tag: int, key: str, place: Floats, heading_rad: float, scale: float = 1.0) -> None:
        """Place a model at `place` [3]."""
        low, high = self._boxes[key]
        centre, half = (low + high) / 2, (high - low) / 2
        self._append(name, tag, pose_at(place, heading_rad, scale), centre, half, key)

    def footprint(self, key: str, x: float, y: float, heading_rad: float, scale: float = 1.0) -> shapely.Polygon:
        """Where a model's box would stand."""
        low, high = self._boxes[key]
        pose = pose_at(np.array([x, y, 0.0]), heading_rad, scale)
        ring = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
        return shapely.Polygon(ring @ pose[:2, :2].T + pose[:2, 3])

    def add_static_object(self, name: str, tag: int, frame: Floats) -> None:
        """Write down the object whose static triangles were just added under `next_id`; `frame` [4,4] is its own."""
        local = (self.builder.points_of(self.next_id) - frame[:3, 3]) @ frame[:3, :3]
        low, high = local.min(axis=0), local.max(axis=0)
        self._append(name, tag, frame, (low + high) / 2, (high - low) / 2, None)

    def _append(self, name: str, tag: int, pose: Floats, centre: Floats, half: Floats, key: str | None) -> None:
        middle = (float(centre[0]), float(centre[1]), float(centre[2]))
        extent = (float(half[0]), float(half[1]), float(half[2]))
        self.objects.append(TownObject(self.next_id, f"{name}_{len(self.objects)}", tag, pose, middle, extent, key))

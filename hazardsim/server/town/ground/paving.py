"""Carriageway, kerbs and sidewalks as triangles."""

from __future__ import annotations

import numpy as np
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.mesh.model import Material
from hazardsim.mesh.outline import cap, skirt
from hazardsim.mesh.solid import Floats, Solid
from hazardsim.server.town import palette
from hazardsim.server.town.ground.areas import KERB_M, KERB_WIDE_M, WALK_WIDE_M, Ground, Piece
from hazardsim.taxonomy import TAG

_DECK_M = 0.9


def _point_tree(points: Floats) -> shapely.STRtree:
    """An index of points [N,3], seen from above."""
    return shapely.STRtree([shapely.Point(x, y) for x, y in points[:, :2]])


def _draped(solid: Solid, piece: Piece, lift: float) -> Solid:
    """The solid, with its heights taken from the nearest samples of the piece."""
    nearest = _point_tree(piece.samples).nearest(shapely.points(solid.vertices[:, :2]))
    vertices = solid.vertices.copy()
    vertices[:, 2] += piece.samples[nearest, 2] + lift
    return Solid(vertices, solid.faces, solid.uv)


def add_paving(builder: Builder, ground: Ground) -> None:
    """Add carriageway, kerbs and sidewalks."""
    for piece in ground.pieces:
        others = [] if ground.is_flat else [p.area for p in ground.pieces if p is not piece and _same_level(p, piece)]
        taken = shapely.union_all(others) if others else shapely.Polygon()
        rim = piece.area.buffer(KERB_WIDE_M, quad_segs=4)
        level = float(piece.samples[0, 2]) if ground.is_flat else 0.0

        def place(solid: Solid, material: Material, tag: int, p: Piece = piece, z: float = level) -> None:
            if not len(solid.faces):
                return
            lifted = Solid(solid.vertices + np.array([0.0, 0.0, z]), solid.faces, solid.uv)
            builder.add(lifted if ground.is_flat else _draped(solid, p, 0.0), material, tag)

        place(cap(piece.area, 0.0), palette.ASPHALT, TAG["Roads"])
        kerb = rim.difference(piece.area).difference(taken)
        place(cap(kerb, KERB_M), palette.KERB, TAG["Sidewalks"])
        if ground.is_flat:
            place(skirt(piece.area, 0.0, KERB_M, outward=False), palette.KERB, TAG["Sidewalks"])
            place(cap(ground.walk, KERB_M), palette.PAVING, TAG["Sidewalks"])
            continue
        place(skirt(kerb, -_DECK_M, KERB_M), palette.KERB, TAG["Sidewalks"])
        reach = piece.area.buffer(KERB_WIDE_M + WALK_WIDE_M, quad_segs=4)
        walk = reach.difference(rim).difference(taken.buffer(KERB_WIDE_M))
        place(cap(walk, KERB_M), palette.PAVING, TAG["Sidewalks"])
        deck = shapely.union_all([walk, kerb, piece.area])
        place(skirt(deck, -_DECK_M, KERB_M), palette.CONCRETE, TAG["Sidewalks"])
        place(cap(deck, -_DECK_M, down=True), palette.CONCRETE, TAG["Sidewalks"])


def _same_level(a: Piece, b: Piece) -> bool:
    if a.area.distance(b.area) > 4.0:
        return False
    gap = _point_tree(a.samples).nearest(shapely.points(b.samples[:, :2]))
    apart = np.linalg.norm(a.samples[gap, :2] - b.samples[:, :2], axis=1)
    close = apart <= apart.min() + 2.0
    return bool(np.abs(a.samples[gap, 2] - b.samples[:, 2])[close].min() < 2.0)

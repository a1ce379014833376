"""Traffic signs at junctions and along the roads."""

from __future__ import annotations

import numpy as np
import shapely

from hazardsim.mesh.solid import Floats
from hazardsim.server.town.procedural.site import Site


def add_signs(site: Site) -> None:
    """Stop, give-way and priority signs at junctions, crossings, and speed limits."""
    rng = site.rng(1)
    for leg in site.legs:
        for lane in leg.incoming:
            if any(abs(s.lane_id) > abs(lane.lane_id) and s.road == lane.road for s in leg.incoming):
                continue
            kinds = []
            if not leg.is_lit:
                kinds.append(("stop" if rng.random() < 0.3 else "give_way") if leg.is_minor else "priority")
            if leg.has_zebra and not leg.is_lit:
                kinds.append("crossing")
            for k, kind in enumerate(kinds):
                _sign(site, lane.edge(-1.0), lane.length_m - 6.2 - 6.0 * k, kind)
    for lane in site.network.driving():
        if lane.junction < 0 and lane.length_m > 50.0 and rng.random() < 0.8:
            limit = min((30, 50, 60, 70, 90), key=lambda v: abs(v - lane.speed * 3.6))
            kind = "warning" if rng.random() < 0.25 else f"maxspeed:{limit}"
            _sign(site, lane.edge(-1.0), 20.0, kind)


def _sign(site: Site, edge: Floats, s: float, kind: str) -> None:
    line = shapely.LineString(edge[:, :2])
    if not 3.0 < s < line.length - 1.0:
        return
    for back in (0.0, 3.0, -3.0, 6.0):
        a, b = (np.array(line.interpolate(v).coords)[0] for v in (s - back - 0.5, s - back + 0.5))
        ahead = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
        for out in (0.75, 2.95):
            x, y = (a + b) / 2 + np.array([ahead[1], -ahead[0]]) * out
            spot = shapely.Point(x, y).buffer(0.4)
            outside = not spot.intersects(site.ground.road)
            if outside and site.occupancy.is_free(shapely.Point(x, y).buffer(0.05)):
                site.occupancy.take(spot)
                site.add_node(float(x), float(y), {"traffic_sign": kind})
                return

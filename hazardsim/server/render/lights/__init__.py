"""Lights of the vectorised path tracer: one file a kind, one row here.

The scalar fallback draws sky and sun from the same `Sky`, and no other row: the renderer says so once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hazardsim.server.render.lights.light import Light
from hazardsim.server.render.lights.sky_light import SkyLight
from hazardsim.server.render.lights.sun_light import SunLight
from hazardsim.server.render.sky import Sky

LIGHTS: Final[dict[str, Callable[[Sky], Light]]] = {
    "sky": SkyLight,
    "sun": SunLight,
}


def lights_of(sky: Sky) -> tuple[Light, ...]:
    """All lights under a sky, on the device."""
    return tuple(make(sky) for make in LIGHTS.values())

"""Lights of the pictures: one file a kind, one row here.

A row has two forms of the light: for the path tracer on arrays, and for Mitsuba's own (where there is no usable LLVM).
What surfaces give off is drawn by both without a row; a row can only make it less noisy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hazardsim.server.render.lights.light import Light, LightScene
from hazardsim.server.render.lights.sky_light import SkyLight, sky_emitter
from hazardsim.server.render.lights.sun_light import SunLight


@dataclass(frozen=True, slots=True)
class LightKind:
    """`on_arrays` makes it for the path tracer; `emitters` are entries of a Mitsuba scene, empty where another's do."""

    on_arrays: Callable[[LightScene], Light]
    emitters: Callable[[LightScene], dict[str, dict[str, Any]]] = lambda _: {}


LIGHTS: Final[dict[str, LightKind]] = {
    "sky": LightKind(SkyLight, sky_emitter),
    "sun": LightKind(SunLight),  # its disc is in the sky's emitter
}


def lights_of(scene: LightScene) -> tuple[Light, ...]:
    """All lights of a scene, on the device."""
    return tuple(kind.on_arrays(scene) for kind in LIGHTS.values())


def emitters_of(scene: LightScene) -> dict[str, dict[str, Any]]:
    """All lights of a scene but its surfaces, as entries of a Mitsuba scene."""
    return {name: entry for kind in LIGHTS.values() for name, entry in kind.emitters(scene).items()}

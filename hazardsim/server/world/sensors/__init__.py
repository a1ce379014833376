"""The sensors that can be spawned: one file a family, one row a sensor."""

from __future__ import annotations

from typing import Final

from hazardsim.server.world.sensors.cameras import CAMERAS
from hazardsim.server.world.sensors.sensor import SensorBlueprint

SENSORS: Final[dict[str, SensorBlueprint]] = {blueprint.id: blueprint for blueprint in CAMERAS}

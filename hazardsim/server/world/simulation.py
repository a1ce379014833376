"""What the served calls work on: the running simulation as one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hazardsim.server.protocol.streams import StreamServer
from hazardsim.server.renderables import Town
from hazardsim.server.world.render_queue import RenderQueue
from hazardsim.server.world.ticker import Ticker
from hazardsim.server.world.world import World


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """The world, its heartbeat, its streams and its renderer; `maps` may be loaded, `town_of` builds one of them."""

    world: World
    ticker: Ticker
    streams: StreamServer
    render_queue: RenderQueue
    maps: tuple[str, ...]
    town_of: Callable[[str], Town]

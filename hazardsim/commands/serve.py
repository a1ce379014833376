"""`hazardsim serve`: the embedded simulator, for any carla client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from hazardsim.processes import end_with_parent


@dataclass(frozen=True)
class Serve:
    """Run the embedded simulator: any carla 0.9.16 client can connect to it.

    Example: hazardsim serve --port 2000 --town Town05
    """

    town: str = "Town01"
    """Town to start with, by name or by an .osm or .xodr file."""
    port: int = 2000
    """RPC port; sensor streams use the next one. 0 picks a free pair."""
    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback lets strangers drive the server: there is no password."""
    samples: int | None = None
    """Light paths a pixel; more is cleaner and slower."""
    variant: str | None = None
    """Mitsuba variant: cuda_ad_rgb, llvm_ad_rgb or scalar_rgb; the fastest that works if not given."""
    ready_file: Annotated[Path | None, tyro.conf.arg(help="Write the port here once it listens.")] = None
    parent_pid: Annotated[int | None, tyro.conf.arg(help="End when this process ends.")] = None

    def run(self) -> int:
        """Serve until interrupted."""
        if self.parent_pid is not None:
            end_with_parent(self.parent_pid)
        from hazardsim.server.service import serve

        serve(
            town=self.town,
            host=self.host,
            port=self.port,
            samples=self.samples,
            variant=self.variant,
            ready_file=self.ready_file,
        )
        return 0

"""`hazardsim towns`: which towns the embedded simulator has."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Towns:
    """List the towns of the embedded simulator."""

    def run(self) -> int:
        """Print a name a line."""
        from hazardsim.server.town.build import town_names

        sys.stdout.write("".join(f"{name}\n" for name in town_names()))
        return 0

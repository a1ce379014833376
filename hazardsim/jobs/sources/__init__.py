"""What frames can come from, by name: a simulator's cameras; a new source is a file and a line.

A source's row is a function of the worker's order that says how to open it for a town.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hazardsim.frame_source import OpenSource
from hazardsim.jobs.job import WorkOrder
from hazardsim.jobs.sources.simulator import from_simulator

SOURCES: Mapping[str, Callable[[WorkOrder], OpenSource]] = {"simulator": from_simulator}

"""Frames of the simulator's own cameras."""

from __future__ import annotations

from functools import partial

from hazardsim.capture.source import simulator_source
from hazardsim.frame_source import OpenSource
from hazardsim.jobs.job import WorkOrder


def from_simulator(order: WorkOrder) -> OpenSource:
    """Opens towns on the order's server."""
    job = order.task.job
    return partial(
        simulator_source,
        order.host,
        order.port,
        camera=job.scenario.camera,
        drawn_by=order.drawn_by,
        warm_up=job.warm_up,
    )

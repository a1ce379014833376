"""The recipe of a split: everything that decides its bytes."""

from __future__ import annotations

from importlib.metadata import version

from hazardsim.dataset.recipe_file import FRAMES
from hazardsim.jobs.job import RenderJob
from hazardsim.scenario.spec import scenario_to_data

DRAWN_BY = "drawn_by"
"""The key that only a running server can fill."""


def recipe_of(job: RenderJob, catalogue_digest: str, drawn_by: str = "") -> dict[str, object]:
    """The recipe of a job for models of this digest, drawn by this renderer."""
    return {
        "scenario": scenario_to_data(job.scenario),
        "towns": list(job.towns),
        "split": job.split,
        FRAMES: job.frames,
        "seed": job.seed,
        "anomalies": job.anomalies,
        "warm_up": job.warm_up,
        "renderer": job.renderer,
        "source": job.source,
        DRAWN_BY: drawn_by,
        "town_files": job.town_files,
        "catalogue": catalogue_digest,
        "versions": {"hazardsim": version("hazardsim"), "carla": version("carla")},
    }

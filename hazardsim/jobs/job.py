"""What `hazardsim render` was asked for, as data that can be handed to a child process."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from hazardsim.dataset.layout import Split
from hazardsim.scenario.spec import Scenario, scenario_to_data


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One split to render.

    `towns` are names; `town_file` is the SHA-256 of the file where the town is the user's own. `warm_up` counts ticks
    before each picture; `renderer` is what was asked for, `drawn_by` what the server says it draws with.
    """

    scenario: Scenario
    towns: tuple[str, ...]
    split: Split
    frames: int
    seed: int
    anomalies: bool
    out: str
    host: str = "127.0.0.1"
    port: int = 2000
    warm_up: int = 0
    renderer: str = ""
    town_file: str = ""
    drawn_by: str = ""

    def share(self, town: str) -> int:
        """How many of the frames come from one town: an even split, the first towns get the rest."""
        whole, rest = divmod(self.frames, len(self.towns))
        return whole + (self.towns.index(town) < rest)

    def first_number(self, town: str) -> int:
        """The number of the town's first frame."""
        return 1 + sum(self.share(t) for t in self.towns[: self.towns.index(town)])


def recipe_of(job: RenderJob, catalogue_digest: str) -> dict[str, object]:
    """Everything that decides the content of the split."""
    return {
        "scenario": scenario_to_data(job.scenario),
        "towns": list(job.towns),
        "split": job.split,
        "frames": job.frames,
        "seed": job.seed,
        "anomalies": job.anomalies,
        "warm_up": job.warm_up,
        "renderer": job.renderer,
        "drawn_by": job.drawn_by,
        "town_file": job.town_file,
        "catalogue": catalogue_digest,
        "versions": {"hazardsim": version("hazardsim"), "carla": version("carla")},
    }

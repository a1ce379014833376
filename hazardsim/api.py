"""Python in a few lines: render scenes as `hazardsim render` does, and read them back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hazardsim.commands.render import Render
from hazardsim.dataset.reader import StoredFrame, read_split
from hazardsim.dataset.split import Split
from hazardsim.scenario.scene import Scene
from hazardsim.scenario.spec import Scenario, load_scenario

__all__ = ["Scenario", "Scene", "StoredFrame", "load_scenario", "read_split", "render"]


def render(
    out: str | Path,
    *,
    town: str | Path | Sequence[str | Path] = "Town05",
    anomalies: bool = False,
    frames: int = 16,
    seed: int = 0,
    split: Split | None = None,
    scenario: str | Path = "street-hazards",
    width: int | None = None,
    height: int | None = None,
    samples: int | None = None,
    workers: int = 1,
    server: str | None = None,
) -> tuple[StoredFrame, ...]:
    """Renders a split of a StreetHazards-style dataset, or what is missing of it, and returns its frames.

    The same arguments give the same bytes, as the command line does. Pictures are read from disk when asked for.

    Args:
        out: the dataset's folder; splits may share one.
        town: town or towns by name, or an .osm or .xodr file.
        anomalies: puts anomaly models into the scenes.
        frames: number of frames to keep; more than before lets the split grow.
        seed: another one gives other scenes.
        split: training, validation or test; test with anomalies, else training, if not given.
        scenario: a shipped one by name, or a YAML file.
        width: of pictures, in pixels; the scenario's, if not given.
        height: likewise.
        samples: light paths a pixel of the embedded renderer.
        workers: processes that work side by side.
        server: HOST:PORT of a running CARLA 0.9.16 server, instead of the embedded one.

    Raises:
        ConfigError: an argument cannot be used.
        HazardsimError: another split is in the folder, another run uses it, or the simulator cannot go on.
    """
    towns = [town] if isinstance(town, (str, Path)) else list(town)
    command = Render(
        town=tuple(map(str, towns)),
        anomalies=anomalies,
        frames=frames,
        seed=seed,
        split=split,
        out=Path(out),
        scenario=str(scenario),
        width=width,
        height=height,
        samples=samples,
        workers=workers,
        server=server,
    )
    return tuple(read_split(*command.make()))

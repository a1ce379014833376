"""What `hazardsim render` was asked to make, as data that can be handed to another process."""

from __future__ import annotations

from dataclasses import dataclass, field

from hazardsim.dataset.split import Split
from hazardsim.errors import ConfigError
from hazardsim.scenario.spec import Scenario


@dataclass(frozen=True, slots=True)
class RenderJob:
    """One split to make, wherever and by whomever.

    `towns` are names; `town_files` is the SHA-256 of each one's map by name, where the map is on this machine.
    `warm_up` counts ticks before each picture; `renderer` is what was asked for, `source` a name in `sources.SOURCES`.
    """

    scenario: Scenario
    towns: tuple[str, ...]
    split: Split
    frames: int
    seed: int
    anomalies: bool
    warm_up: int = 0
    renderer: str = ""
    source: str = "simulator"
    town_files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shard:
    """Every `count`-th frame number of a job, beginning with `number` (from 1): shard `number` of `count`.

    Raises:
        ConfigError: there is no such shard.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        """Check that the shard exists."""
        if not 1 <= self.number <= self.count:
            raise ConfigError(f"shard {self.number} of {self.count}: shards are numbered from 1 to {self.count}")

    @property
    def is_whole(self) -> bool:
        """Whether this shard is the whole job."""
        return self.count == 1

    def numbers(self, frames: int) -> range:
        """The frame numbers of this shard of a job with so many frames."""
        return range(self.number, frames + 1, self.count)

    def shared_out(self, workers: int) -> list[Shard]:
        """This shard in so many smaller ones.

        >>> [list(part.numbers(10)) for part in Shard(1, 2).shared_out(2)]
        [[1, 5, 9], [3, 7]]
        """
        return [Shard(self.number + self.count * k, self.count * workers) for k in range(workers)]


WHOLE = Shard()


@dataclass(frozen=True, slots=True)
class Simulator:
    """Where pictures are drawn: a server of the user's at `host` and `port`, or an embedded one for each worker.

    An embedded one starts with `town` (a name or a file) and gets `flags`.
    """

    host: str | None = None
    port: int = 0
    town: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of a job, the dataset folder that its frames go to, and where they are drawn."""

    job: RenderJob
    out: str
    shard: Shard
    simulator: Simulator


WORK_REFUSED = 4
"""Exit code of a worker whose task cannot be done; its log ends with the reason. An uncaught exception exits with 1."""

SERVER_LOST = 3
"""Exit code of a worker whose server stopped answering: the parent starts both again."""


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A task for one worker process and the running server that it uses; `drawn_by` is what that server says it is."""

    task: Task
    host: str
    port: int
    drawn_by: str

"""`hazardsim render`: a split of a StreetHazards-style dataset."""

from __future__ import annotations

import hashlib
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hazardsim.dataset.split import Split
from hazardsim.errors import ConfigError
from hazardsim.resources import shipped_town

if TYPE_CHECKING:
    from hazardsim.jobs.job import RenderJob, Shard, Simulator


@dataclass(frozen=True)
class Render:
    """Render a split of a StreetHazards-style dataset.

    Without --server it starts the embedded simulator and stops it again. An interrupted run is finished by the same
    command; the same options give the same bytes, by however many workers and shards.

    Example: hazardsim render --town Town05 --anomalies --frames 4 --width 640 --height 360
    """

    town: tuple[str, ...] = ("Town05",)
    """Town or towns by name (see hazardsim towns), or an .osm or .xodr file; they take turns, frame by frame."""
    anomalies: bool = False
    """Put anomaly models into the scenes."""
    frames: int = 16
    """Number of frames to keep; more than before lets the split grow."""
    seed: int = 0
    """Another seed gives other scenes."""
    split: Split | None = None
    """Which StreetHazards folder to fill; test with --anomalies, else training."""
    out: Path | None = None
    """Dataset folder; out/TOWN-SPLIT-SEED if not given. Splits may share one folder."""
    scenario: str = "street-hazards"
    """A shipped scenario or a YAML file."""
    width: int | None = None
    """Picture width in pixels, instead of the scenario's."""
    height: int | None = None
    """Picture height in pixels, instead of the scenario's."""
    server: str | None = None
    """HOST:PORT of a running CARLA 0.9.16 server, instead of the embedded one."""
    warm_up: int | None = None
    """Ticks before each picture; 20 with --server (Unreal's exposure needs them), else 0."""
    samples: int | None = None
    """Light paths a pixel in the embedded renderer; more is cleaner and slower."""
    variant: str | None = None
    """Mitsuba variant of the embedded renderer; the fastest that works if not given."""
    workers: int = 1
    """Work with so many processes, each with an embedded simulator of its own; the bytes are those of one."""
    shard: str | None = None
    """I/N, I from 1 to N: make only every N-th frame, beginning with the I-th; join with hazardsim merge."""
    executor: str = "local"
    """Where the workers run: local is this machine."""

    def run(self) -> int:
        """Render, and say where it is."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # children and temporary files go with us
        out, _ = self.make()
        if self.shard is not None and not _shard(self.shard).is_whole:
            sys.stderr.write(f"hazardsim: shard {self.shard} is there; join all with: hazardsim merge OUT {out} ...\n")
        sys.stdout.write(f"{out}\n")
        return 0

    def make(self) -> tuple[Path, Split]:
        """Check what was asked, render, and return the dataset's folder and the split that was filled."""
        from hazardsim.jobs.render import render

        self._check()
        job, shard = self._job(), _shard(self.shard)
        out = self.out or Path("out") / "-".join((*job.towns, job.split, str(self.seed)))
        render(job, out, self._simulator(), shard, self.workers, self.executor)
        return out, job.split

    def _check(self) -> None:
        """Refuse what cannot be done; nothing that was asked for is dropped in silence."""
        if self.frames < 1:
            raise ConfigError(f"--frames {self.frames}: at least one frame is needed")
        if self.seed < 0:
            raise ConfigError(f"--seed {self.seed}: a seed is 0 or more")
        if self.workers < 1:
            raise ConfigError(f"--workers {self.workers}: at least one is needed")
        if self.warm_up is not None and self.warm_up < 0:
            raise ConfigError(f"--warm-up {self.warm_up}: ticks are 0 or more")
        if self.server is None:
            return
        for name, value in (("--samples", self.samples), ("--variant", self.variant)):
            if value is not None:
                raise ConfigError(f"{name} {value}: is for the embedded renderer; leave it out with --server")
        if self.workers > 1:
            raise ConfigError(
                f"--workers {self.workers}: all clients of one --server share its world; use one worker, or start a "
                "server for each --shard"
            )

    def _job(self) -> RenderJob:
        """What is to be made."""
        from hazardsim.jobs.job import RenderJob
        from hazardsim.scenario.spec import load_scenario

        scenario = load_scenario(self.scenario)
        width = scenario.camera.width_px if self.width is None else self.width
        height = scenario.camera.height_px if self.height is None else self.height
        if not (16 <= width <= 8192 and 16 <= height <= 8192):
            raise ConfigError(f"picture size {width}x{height}: width and height must be within 16..8192")
        towns, town_files = _towns(self.town, embedded=self.server is None)
        return RenderJob(
            scenario=replace(scenario, camera=replace(scenario.camera, width_px=width, height_px=height)),
            towns=towns,
            split=self.split or ("test" if self.anomalies else "training"),
            frames=self.frames,
            seed=self.seed,
            anomalies=self.anomalies,
            warm_up=self.warm_up if self.warm_up is not None else (0 if self.server is None else 20),
            renderer=" ".join(("embedded", *self._flags())) if self.server is None else "server",
            town_files=town_files,
        )

    def _simulator(self) -> Simulator:
        """Where it is drawn."""
        from hazardsim.jobs.job import Simulator

        if self.server is not None:
            return Simulator(*_address(self.server))
        return Simulator(town=self.town[0], flags=self._flags())

    def _flags(self) -> tuple[str, ...]:
        """Options that the embedded server gets, too."""
        given = (("--samples", self.samples), ("--variant", self.variant))
        return tuple(text for name, value in given if value is not None for text in (name, str(value)))


def _shard(shard: str | None) -> Shard:
    from hazardsim.jobs.job import Shard

    if shard is None:
        return Shard()
    number, slash, count = shard.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise ConfigError(f"--shard {shard!r}: expected I/N with I from 1 to N, for example 1/4")
    return Shard(int(number), int(count))


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65535:
        raise ConfigError(f"--server {text!r}: expected HOST:PORT, for example 127.0.0.1:2000")
    return host, int(port)


def _towns(given: tuple[str, ...], *, embedded: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names of the towns, each once, and by name the SHA-256 of their maps: of a file, and of shipped ones.

    A server that is not `embedded` has maps of its own, which are not seen from here.
    """
    files = [Path(town) for town in given if Path(town).suffix.lower() in {".osm", ".xodr"}]
    if not files:
        names = tuple(dict.fromkeys(given))
        maps = {name: shipped_town(name) for name in names if embedded}
        return names, {name: _digest(path) for name, path in maps.items() if path.is_file()}
    if len(given) > 1:
        raise ConfigError(f"--town {files[0]}: a town of your own must be the only one")
    if not files[0].is_file():
        raise ConfigError(f"--town {files[0]}: there is no such file")
    return (files[0].stem,), {files[0].stem: _digest(files[0])}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error

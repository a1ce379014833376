"""`hazardsim render`: a split of a StreetHazards-style dataset."""

from __future__ import annotations

import hashlib
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hazardsim.errors import ConfigError

Split = Literal["training", "validation", "test"]


@dataclass(frozen=True)
class Render:
    """Render a split of a StreetHazards-style dataset.

    Without --server it starts the embedded simulator and stops it again. An interrupted run is finished by the same
    command; the same options give the same bytes.

    Example: hazardsim render --town Town05 --anomalies --frames 4 --width 640 --height 360
    """

    town: tuple[str, ...] = ("Town05",)
    """Town or towns by name (see hazardsim towns), or an .osm or .xodr file; frames are shared out evenly."""
    anomalies: bool = False
    """Put anomaly models into the scenes."""
    frames: int = 16
    """Number of frames to keep."""
    seed: int = 0
    """Scene i depends on scenario, seed, town and i only."""
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

    def run(self) -> int:
        """Check what was asked, render, and say where it is."""
        from hazardsim.jobs.job import RenderJob
        from hazardsim.jobs.supervision import render
        from hazardsim.scenario.spec import load_scenario

        if self.frames < 1:
            raise ConfigError(f"--frames {self.frames}: at least one frame is needed")
        if self.seed < 0:
            raise ConfigError(f"--seed {self.seed}: a seed is 0 or more")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # children and temporary files go with us
        scenario = load_scenario(self.scenario)
        width, height = self.width or scenario.camera.width_px, self.height or scenario.camera.height_px
        if not (16 <= width <= 8192 and 16 <= height <= 8192):
            raise ConfigError(f"picture size {width}x{height}: width and height must be within 16..8192")
        scenario = replace(scenario, camera=replace(scenario.camera, width_px=width, height_px=height))
        server = None if self.server is None else _address(self.server)
        towns, town_file = _towns(self.town)
        split: Split = self.split or ("test" if self.anomalies else "training")
        out = self.out or Path("out") / f"{'-'.join(towns)}-{split}-{self.seed}"
        flags = _flags(("--samples", self.samples), ("--variant", self.variant))
        warm_up = self.warm_up if self.warm_up is not None else (20 if server is not None else 0)
        job = RenderJob(
            scenario=scenario,
            towns=towns,
            split=split,
            frames=self.frames,
            seed=self.seed,
            anomalies=self.anomalies,
            out=str(out),
            warm_up=warm_up,
            renderer="server" if server is not None else " ".join(("embedded", *flags)),
            town_file=town_file,
        )
        code = render(job, server, self.town[0], flags)
        if code == 0:
            sys.stdout.write(f"{out}\n")
        return code


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65535:
        raise ConfigError(f"--server {text!r}: expected HOST:PORT, for example 127.0.0.1:2000")
    return host, int(port)


def _towns(given: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Names of the towns, each once, and the SHA-256 of the file where the one town is a file."""
    files = [Path(town) for town in given if Path(town).suffix.lower() in {".osm", ".xodr"}]
    if not files:
        return tuple(dict.fromkeys(given)), ""
    if len(given) > 1:
        raise ConfigError(f"--town {files[0]}: a town of your own must be the only one")
    if not files[0].is_file():
        raise ConfigError(f"--town {files[0]}: there is no such file")
    return (files[0].stem,), hashlib.sha256(files[0].read_bytes()).hexdigest()


def _flags(*pairs: tuple[str, object]) -> tuple[str, ...]:
    return tuple(text for name, value in pairs if value is not None for text in (name, str(value)))

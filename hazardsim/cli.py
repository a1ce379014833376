"""The command line: each command is a frozen dataclass with `run()`; heavy imports happen inside it."""

from __future__ import annotations

import hashlib
import logging
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from hazardsim.catalogue.commands import AssetsFetch, AssetsList
from hazardsim.errors import ConfigError, HazardsimError

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


@dataclass(frozen=True)
class Serve:
    """Run the embedded simulator: any carla 0.9.16 client can connect to it."""

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
        from hazardsim.server.service import serve

        serve(
            town=self.town,
            host=self.host,
            port=self.port,
            samples=self.samples,
            variant=self.variant,
            ready_file=self.ready_file,
            parent_pid=self.parent_pid,
        )
        return 0


@dataclass(frozen=True)
class Show:
    """Draw a contact sheet of a dataset: rgb | labels | anomaly, one row a frame."""

    data: tyro.conf.Positional[Path]
    """Dataset folder."""
    out: Path | None = None
    """PNG to write; DIR/contact-sheet.png if not given."""
    frames: int = 12
    """At most so many frames, spread over the dataset."""
    width: int = 480
    """Width of each picture in pixels."""

    def run(self) -> int:
        """Draw, write, and say where it is."""
        from hazardsim.channels.png import png_from_rgb
        from hazardsim.dataset.reader import read_all
        from hazardsim.dataset.sheet import contact_sheet
        from hazardsim.files import write_whole

        if self.frames < 1 or self.width < 32:
            raise ConfigError("show: --frames must be at least 1 and --width at least 32")
        total = sum(1 for _ in read_all(self.data))
        step = max(1, -(-total // self.frames))
        chosen = [frame for i, frame in enumerate(read_all(self.data)) if i % step == 0]
        target = self.out or self.data / "contact-sheet.png"
        write_whole(target, [png_from_rgb(contact_sheet(chosen, self.width))])
        sys.stdout.write(f"{target}\n")
        return 0


@dataclass(frozen=True)
class Towns:
    """List the towns of the embedded simulator."""

    def run(self) -> int:
        """Print a name a line."""
        from hazardsim.server.town.build import town_names

        sys.stdout.write("".join(f"{name}\n" for name in town_names()))
        return 0


Command = (
    Annotated[Render, tyro.conf.subcommand("render")]
    | Annotated[Serve, tyro.conf.subcommand("serve")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Towns, tyro.conf.subcommand("towns")]
    | Annotated[
        Annotated[AssetsFetch, tyro.conf.subcommand("fetch")] | Annotated[AssetsList, tyro.conf.subcommand("list")],
        tyro.conf.subcommand("assets", description="Fetch and list anomaly models."),
    ]
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command: exit code 0 done, 1 expected error in one line on stderr, 2 wrong usage."""
    command = tyro.cli(Command, prog="hazardsim", args=arguments, config=(tyro.conf.FlagCreatePairsOff,))
    logging.basicConfig(level=logging.WARNING, format="hazardsim: %(message)s", stream=sys.stderr)
    logging.getLogger("hazardsim").setLevel(logging.INFO)
    try:
        return int(command.run())
    except HazardsimError as error:
        sys.stderr.write(f"hazardsim: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nhazardsim: interrupted; what is on disk is whole, the same command goes on from there\n")
        return 130


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


if __name__ == "__main__":
    sys.exit(main())

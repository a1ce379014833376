"""Seconds a whole frame of `hazardsim render` takes, beside the renderer's own for the same scenes.

Writes JSON to standard output: `python tests/benchmarks/bench_frame.py --frames 10`. The first two frames of each pass
hold the compilation of kernels and are left out. `renderer` is tick to last picture with everything in place and the
sky known, that is the second picture of each scene. Of the steps, `waiting_for_pictures`, `decode` and
`encode_and_write` go on while the next scene is sampled, spawned and drawn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from hazardsim.capture import frames as capture_module
from hazardsim.capture.actors import SceneActors
from hazardsim.capture.rig import CameraRig
from hazardsim.capture.session import Session
from hazardsim.capture.source import SimulatorSource
from hazardsim.dataset.split import SPLITS
from hazardsim.dataset.writer import SplitWriter
from hazardsim.geometry.poses import Pose
from hazardsim.jobs import worker
from hazardsim.jobs.job import WHOLE, RenderJob, Simulator, Task
from hazardsim.jobs.supervision import embedded_server
from hazardsim.scenario.scene import SceneCamera
from hazardsim.scenario.spec import load_scenario

WARM_UP = 2


class Stopwatch:
    """Seconds by step, one entry a call."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def timed(self, step, function):
        """The function, whose calls are timed."""

        def call(*arguments, **options):
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.spent.setdefault(step, []).append(time.perf_counter() - began)

        return call

    def per_frame(self, frames: int) -> dict[str, float]:
        """Mean seconds a frame."""
        return {step: round(sum(calls) / frames, 4) for step, calls in self.spent.items()}


class Observed:
    """A simulator source whose scenes are remembered; the clock is set to zero when the first frames are done."""

    def __init__(self, source: SimulatorSource, watch: Stopwatch) -> None:
        self._source, self._watch = source, watch
        self.surroundings = source.surroundings
        self.scenes = []
        self.began = 0.0

    def capture(self, scene):
        if len(self.scenes) == WARM_UP:
            self._watch.spent.clear()
            self.began = time.perf_counter()
        self.scenes.append(scene)
        return self._watch.timed("capture", self._source.capture)(scene)


def whole_frames(session, rig, job, out, watch):
    """Render through the worker's own code; the scenes, and seconds a frame."""
    source = Observed(SimulatorSource(session, rig, "benchmark", 0), watch)
    sample, keep, decode = worker.sample_scene, SplitWriter.keep, capture_module.frame_from_pictures
    worker.sample_scene = watch.timed("sampling", sample)
    SplitWriter.keep = watch.timed("encode_and_write", keep)
    capture_module.SceneActors = watch.timed("spawning", SceneActors)
    capture_module.frame_from_pictures = watch.timed("decode", decode)
    rig.pictures = watch.timed("waiting_for_pictures", rig.pictures)
    try:
        task = Task(job, str(out), WHOLE, Simulator())
        worker.render_shard(task, lambda town: contextlib.nullcontext(source), "benchmark")
    finally:
        worker.sample_scene, SplitWriter.keep = sample, keep
        capture_module.SceneActors, capture_module.frame_from_pictures = SceneActors, decode
        del rig.pictures
    measured = len(source.scenes) - WARM_UP
    return source.scenes, (time.perf_counter() - source.began) / measured, measured


def pictures_alone(session, rig, scenes):
    """Seconds from tick to last picture: the first of each scene (with its sky), and the second."""
    import carla

    first, second = [], []
    for scene in scenes:
        placed = SceneActors(session, scene)
        session.world.set_weather(carla.WeatherParameters(*scene.weather.values))
        rig.move(scene.camera.pose)
        for spent in (first, second):
            began = time.perf_counter()
            rig.pictures(session.tick())
            spent.append(time.perf_counter() - began)
        placed.destroy()
    return first[WARM_UP:], second[WARM_UP:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--town", default="Town05")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    options = parser.parse_args()
    scenario = load_scenario("street-hazards")
    scenario = replace(scenario, camera=replace(scenario.camera, width_px=options.width, height_px=options.height))
    job = RenderJob(scenario, (options.town,), SPLITS[2], options.frames + WARM_UP, 7, anomalies=True)
    camera = SceneCamera(options.width, options.height, scenario.camera.fov_deg, Pose(0.0, 0.0, 50.0))
    watch = Stopwatch()
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_server(options.town) as server,
        Session(server.host, server.port, options.town) as session,
        CameraRig(session, camera) as rig,
    ):
        scenes, seconds, measured = whole_frames(session, rig, job, Path(folder), watch)
        first, second = pictures_alone(session, rig, scenes)
    report = {
        "what": f"{options.width}x{options.height}, {options.town}, {measured} scenes drawn",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "whole_frame": round(seconds, 3),
        "renderer": round(statistics.mean(second), 3),
        "renderer_with_new_sky": round(statistics.mean(first), 3),
        "ratio": round(seconds / statistics.mean(second), 3),
        "steps": watch.per_frame(measured),
    }
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")
    sys.stdout.flush()
    os._exit(0)  # the client library's threads may abort an ordinary exit


if __name__ == "__main__":
    main()

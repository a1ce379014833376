"""Seconds a frame of the embedded renderer, split by step: `python tests/benchmarks/bench_render.py --town Town01`.

Writes JSON to standard output. The first frame of a size includes compiling its kernels and is reported apart.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

from hazardsim.mesh.model import Material, Part, TaggedPart
from hazardsim.server.render.renderer import MitsubaRenderer
from hazardsim.server.renderables import Camera, SceneObject, Town
from hazardsim.server.town.build import build_town
from hazardsim.server.weather import Weather

KINDS = ("rgb", "semantic_segmentation", "instance_segmentation", "depth")


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over frames of one size; `total_cpu` is processor seconds, which other programs do not change."""

    size: str
    frames: int
    first_frame: float
    total: float
    total_cpu: float
    build: float
    render: float
    denoise: float
    labels: float
    encode: float


def pyramid(number: int, pose: np.ndarray) -> SceneObject:
    corners = np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0], [0, 0, 2]], np.float32)
    faces = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]], np.uint32)
    part = Part(corners, faces, corners[:, :2].copy(), Material("paint", (0.7, 0.2, 0.1)))
    return SceneObject(number, "pyramid", (TaggedPart(part, 17),), pose)


def measure(renderer: MitsubaRenderer, town: Town, width: int, height: int, frames: int) -> Row:
    seen = []
    first = 0.0
    for k in range(frames + 1):
        pose = np.array(town.spawn_points[(k * 37) % len(town.spawn_points)])
        ahead = pose.copy()
        ahead[:3, 3] += 12 * pose[:3, 0]
        camera = pose.copy()
        camera[2, 3] += 1.5
        cameras = [Camera(kind, width, height, 90.0, camera) for kind in KINDS]
        wall, cpu = time.perf_counter(), time.process_time()
        renderer.render(cameras, [pyramid(1, ahead)], Weather())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if k == 0:
            first = wall
        else:
            seen.append({"total": wall, "total_cpu": cpu, **asdict(renderer.times)})
    middle = {key: round(statistics.median(s[key] for s in seen), 4) for key in seen[0]}
    return Row(f"{width}x{height}", frames, round(first, 3), **middle)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--town", default="Town01")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--samples", type=int, default=4)
    options = parser.parse_args()
    began = time.perf_counter()
    town = build_town(options.town)
    built = time.perf_counter()
    renderer = MitsubaRenderer(samples=options.samples)
    renderer.load(town)
    loaded = time.perf_counter()
    rows = [measure(renderer, town, w, h, options.frames) for w, h in ((640, 360), (1280, 720))]
    report = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "variant": renderer.variant.name,
        "town": options.town,
        "samples": options.samples,
        "town_seconds": round(built - began, 2),
        "load_seconds": round(loaded - built, 2),
        "rows": [asdict(row) for row in rows],
    }
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()

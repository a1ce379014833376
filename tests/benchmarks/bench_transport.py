"""Milliseconds a tick of pure transport: four cameras of 1280x720 through the real client, pictures ready-made.

Run: python tests/benchmarks/bench_transport.py [--ticks 40] [--out transport.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

from hazardsim.catalogue.library import load_catalogue
from hazardsim.server.renderables import BGRA, Town
from hazardsim.server.service import Service
from hazardsim.street import blueprints as street

WIDTH, HEIGHT, CAMERAS = 1280, 720, 4

CLIENT = """
import json, os, queue, statistics, sys, time
import carla
port, ticks, width, height = (int(a) for a in sys.argv[1:])
client = carla.Client("127.0.0.1", port)
client.set_timeout(10.0)
world = client.get_world()
settings = world.get_settings()
settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
world.apply_settings(settings)
cameras, queues = [], []
for kind in ("rgb", "depth", "semantic_segmentation", "instance_segmentation"):
    blueprint = world.get_blueprint_library().find("sensor.camera." + kind)
    blueprint.set_attribute("image_size_x", str(width))
    blueprint.set_attribute("image_size_y", str(height))
    cameras.append(world.spawn_actor(blueprint, carla.Transform()))
    queues.append(queue.Queue())
    cameras[-1].listen(queues[-1].put)
spent, size = [], 0
for number in range(ticks + 5):
    begin = time.perf_counter()
    frame = world.tick(10.0)
    images = [waiting.get(timeout=10.0) for waiting in queues]
    assert all(image.frame == frame for image in images)
    if number >= 5:
        spent.append((time.perf_counter() - begin) * 1000.0)
    size = sum(len(image.raw_data) for image in images)
for camera in cameras:
    camera.stop()
    camera.destroy()
found = {"median_ms": statistics.median(spent), "worst_ms": max(spent), "bytes_a_tick": size}
print(json.dumps(found), flush=True)
os._exit(0)  # the client's threads may abort an ordinary exit
"""


class ReadyMade:
    """A renderer whose pictures cost nothing."""

    passes = dict.fromkeys(("rgb", "depth", "semantic_segmentation", "instance_segmentation"), BGRA)

    def __init__(self) -> None:
        self._picture = np.full((HEIGHT, WIDTH, 4), 127, dtype=np.uint8)

    def load(self, town: Town) -> None:
        pass

    def render(self, cameras, objects, weather, hidden=frozenset()):
        return [self._picture] * len(cameras)

    def cast(self, origin, direction, reach_m, objects, hidden=frozenset()):
        return []


def measure(ticks: int) -> dict[str, object]:
    """Serve, run the client in a child, and say what machine it was."""
    town = Town("Void", "<OpenDRIVE/>", (), {}, (), ())
    with Service(lambda name: town, ("Void",), ReadyMade(), load_catalogue(), street) as service:
        arguments = [str(v) for v in (service.port, ticks, WIDTH, HEIGHT)]
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, *arguments], capture_output=True, text=True, timeout=120, check=True
        )
    found = json.loads(done.stdout)
    rate = found["bytes_a_tick"] / 1e6 / (found["median_ms"] / 1000.0)
    return {
        "what": f"{CAMERAS} cameras of {WIDTH}x{HEIGHT}, transport only",
        **{name: round(value, 2) for name, value in found.items()},
        "megabytes_a_second": round(rate, 1),
        "ticks": ticks,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def main() -> None:
    """Print the figures as JSON, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=40)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    text = json.dumps(measure(options.ticks), indent=2)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

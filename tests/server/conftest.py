"""A service over one flat plane with a renderer that paints plain colours: doubles for pixels, for nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from hazardsim.errors import AssetError, TownError
from hazardsim.mesh.model import Material, Model, Part
from hazardsim.server.protocol.structs import Rotation, Transform, Vector3D
from hazardsim.server.render.passes import PASSES
from hazardsim.server.renderables import BGRA, FIRST_TOWN_ID, Hit, Town, TownObject
from hazardsim.server.service import Service
from hazardsim.server.world.transforms import pose_from_transform
from hazardsim.taxonomy import TAG


def cuboid(key: str, length: float, width: float, height: float) -> Model:
    """A box on its origin."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)], dtype=np.float32)
    faces = np.array([[0, 1, 2], [3, 4, 5], [5, 6, 7], [0, 6, 7]], dtype=np.uint32)
    size = np.array([length, width, height], dtype=np.float32)
    return Model(key, (Part(corners * size, faces, np.zeros((8, 2), np.float32), Material(key)),))


@dataclass(frozen=True)
class Kind:
    blueprint: str
    kind: str = "car"
    tag: int = TAG["Car"]
    wheels: int = 4


@dataclass(frozen=True)
class Walker:
    blueprint: str
    age: str = "adult"


class FlatStreet:
    VEHICLES = (
        Kind("vehicle.seat.leon"),
        Kind("vehicle.tesla.model3"),
        Kind("vehicle.yamaha.yzf", "motorcycle", TAG["Motorcycle"], 2),
    )
    WALKERS = (Walker("walker.pedestrian.0001"), Walker("walker.pedestrian.0009", "child"))

    def vehicle_model(self, blueprint, colour):
        return cuboid(f"{blueprint}{colour}", 4.0, 2.0, 1.5)

    def walker_model(self, blueprint):
        return cuboid(blueprint, 0.5, 0.5, 1.8)


class FlatCatalogue:
    def model(self, asset_id):
        if asset_id != "chair":
            raise AssetError(f"no asset {asset_id!r}")
        return cuboid("chair", 0.6, 0.4, 1.0)


KINDS = tuple(PASSES)


class FlatRenderer:
    """Pixel (0, 0) holds: how many objects, how many hidden, which kind; pixel (0, 1): x of the camera in cm."""

    def __init__(self) -> None:
        self.passes = {name: row.format for name, row in PASSES.items()}
        self.town = ""
        self.seconds = 0.0
        self.threads: set[int] = set()
        self.failure: Exception | None = None

    def load(self, town):
        self.threads.add(threading.get_ident())
        self.town = town.name

    def render(self, cameras, objects, weather, hidden=frozenset()):
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure
        return [self._picture(camera, objects, weather, hidden) for camera in cameras]

    def _picture(self, camera, objects, weather, hidden):
        form = self.passes[camera.render_pass]
        picture = np.full((camera.height, camera.width, form.values), int(weather.cloudiness), dtype=form.dtype)
        if form != BGRA:
            return picture
        picture[0, 0, :3] = (len(objects), len(hidden), KINDS.index(camera.render_pass))
        centimetres = round(float(camera.pose[0, 3]) * 100)
        picture[0, 1, :3] = [(centimetres >> shift) & 255 for shift in (0, 8, 16)]
        return picture

    def cast(self, origin, direction, reach_m, objects, hidden=frozenset()):
        self.threads.add(threading.get_ident())
        return self.cast_through_town(origin, direction, reach_m)

    def cast_through_town(self, origin, direction, reach_m):
        if direction[2] >= 0:
            return []
        distance = float(-origin[2] / direction[2])
        return [Hit(distance, TAG["Roads"], 0)] if 0 <= distance <= reach_m else []


def flat_town(name: str, opendrive: str = "<OpenDRIVE/>") -> Town:
    """A plane with a turned house and a tree."""
    if name == "Ruin":
        raise TownError("Ruin has no drivable road")
    house = pose_from_transform(Transform(Vector3D(10.0, 20.0, 0.0), Rotation(0.0, 90.0, 0.0)))
    tree = pose_from_transform(Transform(Vector3D(-5.0, 4.0, 0.0)))
    return Town(
        name=name,
        opendrive=opendrive,
        meshes=(),
        models={},
        objects=(
            TownObject(FIRST_TOWN_ID, "house_0", TAG["Buildings"], house, (0.0, 1.0, 3.0), (5.0, 4.0, 3.0)),
            TownObject(FIRST_TOWN_ID + 1, "tree_0", TAG["Vegetation"], tree, (0.0, 0.0, 2.0), (1.0, 1.0, 2.0)),
        ),
        spawn_points=tuple(
            pose_from_transform(Transform(Vector3D(x, 3.5, 0.3), Rotation(0.0, 180.0, 0.0))) for x in (0.0, 20.0)
        ),
    )


@pytest.fixture
def renderer() -> FlatRenderer:
    return FlatRenderer()


@pytest.fixture
def opendrive() -> str:
    """The map of the served towns; a test module may have its own."""
    return "<OpenDRIVE/>"


@pytest.fixture
def make_service(opendrive: str) -> Callable[..., Service]:
    """A service that is not started yet, over a renderer."""

    def make(renderer: FlatRenderer, **options: object) -> Service:
        maps = ("Town01", "Town05", "Ruin")
        return Service(
            lambda name: flat_town(name, opendrive), maps, renderer, FlatCatalogue(), FlatStreet(), **options
        )

    return make


@pytest.fixture
def service(renderer: FlatRenderer, make_service: Callable[..., Service]) -> Iterator[Service]:
    with make_service(renderer) as running:
        yield running


@pytest.fixture
def free_port() -> int:
    """A port that no outgoing connection takes by chance: below the ephemeral range of Linux."""
    first = os.getpid() % 5000
    for port in (20000 + (first + step) % 5000 for step in range(5000)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port from 20000 to 25000")


PRELUDE = """
import json, queue, sys, time
import carla
client = carla.Client("127.0.0.1", PORT)
client.set_timeout(8.0)

def error_of(run):
    try:
        run()
    except (RuntimeError, IndexError, ValueError) as error:
        return str(error)
    return None

def synchronous(world, delta=0.05):
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, delta
    world.apply_settings(settings)

def camera(world, kind, parent=None, at=(0.0, 0.0, 2.0), **attributes):
    blueprint = world.get_blueprint_library().find("sensor.camera." + kind)
    for name, value in {"image_size_x": "64", "image_size_y": "48", **attributes}.items():
        blueprint.set_attribute(name, value)
    transform = carla.Transform(carla.Location(*at))
    return world.spawn_actor(blueprint, transform, attach_to=parent)

def say(**facts):
    print(json.dumps(facts))
"""


# The client's threads may abort an ordinary exit while a sensor is alive (docs/server.md); what it said is what counts.
LEAVE = """
import os
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture
def run_client(service: Service) -> Callable[..., dict]:
    """Run a script with the real carla client in a child; what it said, as one dict."""

    def run(script: str, seconds: float = 60.0) -> dict:
        code = f"PORT = {service.port}\n" + PRELUDE + textwrap.dedent(script) + LEAVE
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=seconds, check=False
        )
        assert done.returncode == 0, f"the client ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-3000:]}"
        facts: dict = {}
        for line in done.stdout.splitlines():
            facts |= json.loads(line)
        return facts

    return run

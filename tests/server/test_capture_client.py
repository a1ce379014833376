"""Session, rig and exploration: the product's own client code against the service, in a child as always."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hazardsim.capture.rig import wanted_sensors
from hazardsim.server.render.passes import PASSES
from hazardsim.server.world.sensors import SENSORS

# A ring of one-lane streets, converted by the client itself.
CONVERT = """
import carla
nodes = "".join(f'<node id="{i + 1}" lat="{48 + 0.002 * (i in (1, 2)):.7f}" lon="{11 + 0.004 * (i in (2, 3)):.7f}"/>'
                for i in range(4))
refs = "".join(f'<nd ref="{i % 4 + 1}"/>' for i in range(5))
tags = '<tag k="highway" v="secondary"/><tag k="lanes" v="2"/>'
settings = carla.Osm2OdrSettings()
settings.center_map = True
print(carla.Osm2Odr.convert(f'<osm version="0.6">{nodes}<way id="1">{refs}{tags}</way></osm>', settings))
"""


@pytest.fixture(scope="module")
def opendrive() -> str:
    done = subprocess.run([sys.executable, "-c", CONVERT], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout[done.stdout.index("<?xml") :]


IMPORTS = """
from hazardsim.capture.explore import explore
from hazardsim.capture.rig import CameraRig
from hazardsim.capture.session import Session
from hazardsim.errors import ConfigError, SimulatorError
from hazardsim.geometry.poses import Pose
from hazardsim.scenario.scene import SceneCamera

def words(run, kind):
    try:
        run()
    except kind as error:
        return str(error)
"""


def test_a_session_puts_the_settings_back_and_removes_what_an_earlier_run_left(run_client):
    said = run_client(
        IMPORTS
        + """
world = client.get_world()
blueprint = world.get_blueprint_library().find("vehicle.seat.leon")
blueprint.set_attribute("role_name", "hazardsim")
left = world.spawn_actor(blueprint, carla.Transform()).id
blueprint = world.get_blueprint_library().find("vehicle.tesla.model3")
other = world.spawn_actor(blueprint, carla.Transform(carla.Location(30)))
with Session("127.0.0.1", PORT, "Town01") as session:
    inside = session.world.get_settings()
    alive = [a.id for a in session.world.get_actors()]
    first, second = session.tick(), session.tick()
after = world.get_settings()
wrong = words(lambda: Session("127.0.0.1", PORT, "Town99"), ConfigError)
say(inside=[inside.synchronous_mode, inside.fixed_delta_seconds],
    after=[after.synchronous_mode, after.fixed_delta_seconds],
    left=left in alive, other=other.id in alive, step=second - first, wrong=wrong)
"""
    )
    assert said["inside"] == [True, 0.05]
    assert said["after"] == [False, None]
    assert (said["left"], said["other"], said["step"]) == (False, True, 1)
    assert said["wrong"] == "the server has no map Town99; it has: Ruin, Town01, Town05"


def test_a_rig_brings_every_sensor_of_exactly_one_frame(run_client):
    said = run_client(
        IMPORTS
        + """
camera = SceneCamera(64, 48, 90.0, Pose(1.0, 2.0, 1.5))
with Session("127.0.0.1", PORT, "Town01") as session:
    with CameraRig(session, camera) as rig:
        rig.pictures(session.tick())
        rig.move(Pose(3.25, 2.0, 1.5))
        session.tick()
        frame = session.tick()
        pictures = rig.pictures(frame)
        pixels = {name: picture.bgra() for name, picture in pictures.items()}
        lens = [a.attributes["lens_k"] for a in session.world.get_actors().filter("sensor.*")]
        session.tick()
        skipped = words(lambda: rig.pictures(frame), SimulatorError)
    session.tick()
    sensors = len(session.world.get_actors().filter("sensor.*"))
say(names=list(pixels), shapes=[p.shape for p in pixels.values()], kinds=[int(p[0, 0, 2]) for p in pixels.values()],
    cm=[int(p[0, 1, 0]) + 256 * int(p[0, 1, 1]) for p in pixels.values()], lens=lens, skipped=skipped, sensors=sensors,
    frame=frame)
"""
    )
    sensors = list(wanted_sensors())
    assert said["names"] == sensors
    assert said["shapes"] == [[48, 64, 4]] * len(sensors)
    assert said["kinds"] == [list(PASSES).index(SENSORS[name].passes[0]) for name in sensors]
    assert said["cm"] == [325] * len(sensors)
    assert said["lens"] == ["0.0"] * len(sensors)
    assert said["skipped"] == f"sensor.camera.rgb skipped frame {said['frame']} and sent {said['frame'] + 1}"
    assert said["sensors"] == 0


def test_exploring_finds_obstacles_ground_and_blueprints_in_our_axes(run_client):
    said = run_client(
        IMPORTS
        + """
with Session("127.0.0.1", PORT, "Town01") as session:
    around = explore(session)
    ground = around.ground(1.0, 2.0, 5.0)
    deep = around.ground(1.0, 2.0, 50.0)
say(boxes=[[list(b.centre_m), list(b.half_m), b.yaw_deg] for b in around.obstacles], town=around.town,
    ground=[ground.z_m, ground.tag], deep=deep, blueprints=sorted(around.blueprints))
"""
    )
    tree, house = said["boxes"]
    assert tree == [pytest.approx([-5.0, -4.0, 2.0]), pytest.approx([0.35, 0.35, 2.0]), pytest.approx(0.0)]
    assert house[0] == pytest.approx([11.0, -20.0, 3.0])
    assert house[1] == pytest.approx([5.0, 4.0, 3.0])
    assert house[2] == pytest.approx(-90.0)
    assert said["ground"] == [pytest.approx(0.0), 1]
    assert said["deep"] is None
    assert {"static.prop.mesh", "sensor.camera.rgb", "vehicle.seat.leon"} <= set(said["blueprints"])

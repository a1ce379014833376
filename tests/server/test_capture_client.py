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


PLACE = """
from hazardsim.capture.actors import SceneActors, mesh_path
from hazardsim.errors import PlacementError
from hazardsim.scenario.scene import PlacedActor, PlacedAnomaly, Scene, SceneWeather

camera = SceneCamera(64, 48, 90.0, Pose(1.0, 2.0, 1.5))
weather = SceneWeather("clear", (5.0, 0, 0, 10.0, 120.0, 45.0, 2.0, 0.75, 0.1, 0, 1.0, 0.03, 0.0331, 0))

def leon(x, colour=None):
    return PlacedActor("vehicle.seat.leon", Pose(x, 2.0, 0.0, 10.0), colour)

def chair(x, name="chair"):
    return PlacedAnomaly(name, "chair", Pose(x, -2.0, 0.0), 1.5, (0.9, 0.6, 1.5), "road")

def scene(*actors, anomalies=(), index=0, x=1.0):
    seen = SceneCamera(64, 48, 90.0, Pose(x, 2.0, 1.5))
    return Scene("s", "test", 7, index, "Town01", Pose(0, 0, 0), seen, weather, actors, tuple(anomalies))

def alive():
    return [a.type_id for a in session.world.get_actors() if not a.type_id.startswith(("spectator", "sensor"))]
"""


def test_a_scenes_actors_are_spawned_by_one_batch_in_its_order_and_all_go_when_one_does_not_fit(run_client):
    said = run_client(
        IMPORTS
        + PLACE
        + """
with Session("127.0.0.1", PORT, "Town01") as session:
    batches = []
    send = session.client.apply_batch_sync
    class Client:
        def apply_batch_sync(self, commands, tick):
            batches.append(len(commands))
            return send(commands, tick)
    session.client = Client()
    placed = SceneActors(session, scene(leon(10.0, (1, 2, 3)), leon(30.0), anomalies=[chair(5.0)]))
    session.tick()
    made = {a.id: a for a in session.world.get_actors(placed.ids)}
    kinds = [made[i].type_id for i in placed.ids]
    facts = [dict(made[i].attributes) for i in placed.ids]
    there = [made[placed.ids[0]].get_location().x, made[placed.ids[0]].get_location().y]
    placed.destroy()
    session.tick()
    left = alive()
    crowd = words(lambda: SceneActors(session, scene(leon(10.0), leon(40.0), leon(11.0))), PlacementError)
    bodiless = words(lambda: SceneActors(session, scene(leon(10.0), anomalies=[chair(5.0, "throne")])), SimulatorError)
    unknown = scene(leon(10.0), PlacedActor("vehicle.none", Pose(50.0, 2.0, 0.0)))
    unknown = words(lambda: SceneActors(session, unknown), SimulatorError)
    session.tick()
    say(batches=batches, kinds=kinds, colours=[f.get("color") for f in facts], scale=facts[2]["scale"], there=there,
        path=facts[2]["mesh_path"] == mesh_path("chair"), roles=[f["role_name"] for f in facts], left=left,
        crowd=crowd, bodiless=bodiless, unknown=unknown, after=alive())
"""
    )
    assert said["batches"][:2] == [3, 3]
    assert said["kinds"] == ["vehicle.seat.leon", "vehicle.seat.leon", "static.prop.mesh"]
    assert said["colours"][0] == "1,2,3"
    assert said["colours"][1] != "1,2,3"
    assert (said["scale"], said["path"], said["roles"]) == ("1.5", True, ["hazardsim"] * 3)
    assert said["there"] == pytest.approx([10.0, -2.0])
    assert said["left"] == said["after"] == []
    assert said["crowd"] == ("vehicle.seat.leon at (11.0, 2.0): Spawn failed because of collision at spawn position")
    assert said["bodiless"].startswith("the server has no mesh /Game/hazardsim/Static/Train/throne/throne.throne;")
    assert said["unknown"] == "the server has no blueprint vehicle.none"


def test_frames_are_waited_for_in_any_thread_while_the_next_scene_is_put_up(run_client, renderer):
    renderer.seconds = 0.3
    said = run_client(
        IMPORTS
        + PLACE
        + """
from concurrent.futures import ThreadPoolExecutor
from hazardsim.capture import source
from hazardsim.capture.source import SimulatorSource
from hazardsim.channels import CHANNELS
from hazardsim.errors import ServerLostError

source.explore = lambda session, broke_off: None
got = []
import hazardsim.capture.frames as frames
frames.frame_from_pictures = lambda scene, pictures, ids, versions: (
    scene.index, len(ids), [int(p.bgra()[0, 0, 0]) for p in pictures.values()],
    [int(p.bgra()[0, 1, 0]) for p in pictures.values()])
with Session("127.0.0.1", PORT, "Town01") as session, CameraRig(session, camera) as rig:
    simulator = SimulatorSource(session, rig, "test", 0)
    with ThreadPoolExecutor(1) as thread:
        began = time.monotonic()
        first = thread.submit(simulator.capture(scene(leon(10.0), index=1, x=0.5)))
        early = not first.done() and time.monotonic() - began < 0.25
        second = thread.submit(simulator.capture(scene(leon(10.0), leon(30.0), index=2, x=0.75)))
        early = early and not first.done()
        rig.expect(10**6)
        frames = [first.result(), second.result()]
        lost = thread.submit(rig.pictures, 10**6)
        time.sleep(0.05)
        rig.give_up()
        lost = words(lost.result, ServerLostError)
    say(early=early, frames=frames, kept=[len(k) for k in rig._images.values()], lost=lost)
"""
    )
    sensors = len(wanted_sensors())
    assert said["early"]
    assert said["frames"] == [[1, 1, [1] * sensors, [50] * sensors], [2, 2, [2] * sensors, [75] * sensors]]
    assert said["kept"] == [0] * sensors
    assert said["lost"] == "the server broke off before sensor.camera.rgb had sent frame 1000000"

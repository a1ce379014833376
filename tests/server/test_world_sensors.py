"""A sensor is a row of the registry: three toys that read the world alone come through without any other change."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, replace

import msgpack
import numpy as np
import pytest

from hazardsim.errors import RenderError, SimulatorError
from hazardsim.server.protocol.structs import ActorDescription, AttributeType, EpisodeSettings, Transform, Vector3D
from hazardsim.server.renderables import BGRA, Camera, PixelFormat
from hazardsim.server.world.attributes import attribute, number
from hazardsim.server.world.sensors import SENSORS
from hazardsim.server.world.sensors.sensor import Measurement, SensorBlueprint, common_attributes, period_of


def position(latitude, longitude, altitude):
    """The body of CARLA's position messages: a msgpack array. Source: LibCarla's GnssSerializer."""
    return msgpack.packb([latitude, longitude, altitude])


@dataclass
class Odometer:
    """How far its parent has come, in the bytes of CARLA's position sensor: latitude, longitude, altitude."""

    period_s: float
    scale: float
    travelled_m: float = 0.0
    last: Vector3D | None = None

    def measure(self, moment):
        parent = next((a for a in moment.state.actors if a.id == moment.parent_id), None)
        if parent is None:
            return None
        at = parent.transform.location
        if self.last is not None:
            self.travelled_m += abs(at.x - self.last.x)
        self.last = at
        body = position(self.travelled_m * self.scale, moment.transform.location.y, 7.0)
        return Measurement(lambda _: (body,))


def odometer(values):
    scale = number(values["scale"])
    if not scale:
        raise ValueError(f"scale={values['scale']} is no scale")
    return Odometer(period_of(values), scale)


ODOMETER = SensorBlueprint(
    id="sensor.other.odometer",
    stream="gnss",
    attributes=(
        *common_attributes("sensor.other.odometer"),
        attribute("scale", AttributeType.FLOAT, "1.0"),
    ),
    make=odometer,
)


class Alarm:
    """Fires on an event: whenever more than two actors live."""

    period_s = 0.0

    def measure(self, moment):
        if len(moment.state.actors) <= 2:
            return None
        return Measurement(lambda _: (position(len(moment.state.actors), 0.0, 0.0),))


ALARM = SensorBlueprint("sensor.other.alarm", "gnss", common_attributes("sensor.other.alarm"), lambda _: Alarm())


@dataclass
class Thermometer:
    """Reads a picture of one float a pixel and sends its mean."""

    period_s: float = 0.0

    def measure(self, moment):
        camera = Camera("heat", 4, 2, 90.0, np.eye(4))
        return Measurement(lambda pictures: (position(float(pictures[0].mean()), 0.0, 0.0),), (camera,))


THERMOMETER = SensorBlueprint(
    "sensor.other.heat", "gnss", common_attributes("sensor.other.heat"), lambda _: Thermometer(), ("heat",)
)


@dataclass
class Careless:
    """Its author has made a mistake: the attribute `slip` says which."""

    slip: str
    period_s: float = 0.0

    def measure(self, moment):
        if self.slip == "measure":
            raise KeyError("speed")
        if self.slip == "result":
            return (position(0.0, 0.0, 0.0),)
        body = position(0.0, 0.0, 0.0)
        return Measurement(lambda _: {"bytes": body, "numbers": (body, 7), "nothing": ()}[self.slip])


CARELESS = SensorBlueprint(
    "sensor.other.careless",
    "gnss",
    (*common_attributes("sensor.other.careless"), attribute("slip", AttributeType.STRING, "measure")),
    lambda values: Careless(values["slip"]),
)
SLIPS = {
    "measure": "failed to measure: KeyError: 'speed'",
    "result": "failed to measure: TypeError: expected a Measurement or None, got tuple",
    "bytes": "failed to encode: TypeError: expected a tuple of bytes, such as (body,), got bytes",
    "numbers": "failed to encode: TypeError: expected a tuple of bytes, such as (body,), got tuple(bytes, int)",
    "nothing": "failed to encode: TypeError: expected a tuple of bytes, such as (body,), got tuple()",
    "picture": "failed to encode: KeyError: 'picture'",
}


@pytest.fixture
def sensors(monkeypatch):
    """Rows that the service under test has besides its own."""
    for row in (ODOMETER, ALARM, CARELESS):
        monkeypatch.setitem(SENSORS, row.id, row)


@pytest.fixture
def service(sensors, service):
    return service


def test_a_row_is_enough_for_the_real_client_to_read_the_world(run_client):
    said = run_client(
        """
        world = client.get_world()
        synchronous(world, 0.1)
        library = world.get_blueprint_library()
        car = world.spawn_actor(library.find("vehicle.seat.leon"), carla.Transform(carla.Location(0, 5, 0)))
        blueprint = library.find("sensor.other.odometer")
        kinds = {a.id: str(a.type) for a in blueprint}
        blueprint.set_attribute("scale", "10")
        blueprint.set_attribute("sensor_tick", "0.2")
        meter = world.spawn_actor(blueprint, carla.Transform(carla.Location(z=1)), attach_to=car)
        read = queue.Queue()
        meter.listen(read.put)
        frames = []
        for step in range(6):
            car.set_location(carla.Location(float(step), 5, 0))
            frames.append(world.tick())
        got = []
        while len(got) < 3:
            m = read.get(timeout=5)
            got.append((frames.index(m.frame), m.latitude, m.longitude, m.altitude, m.transform.location.z))
        blueprint.set_attribute("scale", "0")
        refused = error_of(lambda: world.spawn_actor(blueprint, carla.Transform()))
        say(got=got, more=read.qsize(), refused=refused, kinds=kinds, type=type(m).__name__)
        meter.stop(); meter.destroy(); car.destroy()
        """
    )
    assert said["type"] == "GnssMeasurement"
    assert said["got"] == [[0, 0.0, 5.0, 7.0, 1.0], [2, 20.0, 5.0, 7.0, 1.0], [4, 40.0, 5.0, 7.0, 1.0]]
    assert said["more"] == 0
    assert "scale=0 is no scale" in said["refused"]
    assert said["kinds"]["sensor_tick"] == said["kinds"]["scale"] == "Float"


def test_a_mistake_in_a_sensor_names_it_to_the_client_and_costs_nobody_else_anything(run_client, caplog):
    said = run_client(
        f"""
        slips = {list(SLIPS)}
        """
        """
        world = client.get_world()
        synchronous(world, 0.1)
        library = world.get_blueprint_library()
        meter = world.spawn_actor(library.find("sensor.other.odometer"), carla.Transform(),
                                  attach_to=world.get_spectator())
        read = queue.Queue()
        meter.listen(read.put)
        world.tick()
        blueprint = library.find("sensor.other.careless")
        told, ids, before = [], [], world.get_snapshot().frame
        for slip in slips:
            blueprint.set_attribute("slip", slip)
            careless = world.spawn_actor(blueprint, carla.Transform())
            careless.listen(lambda _: None)
            told.append(error_of(world.tick))
            ids.append(careless.id)
            careless.stop(); careless.destroy()
        last = world.tick()
        frames = [read.get(timeout=5).frame for _ in range(len(slips) + 2)]
        say(told=told, ids=ids, frames=[f - before for f in frames], last=last - before)
        meter.stop(); meter.destroy()
        """
    )
    who = [f"sensor.other.careless (actor {number})" for number in said["ids"]]
    assert said["told"] == [f"{name} {text}" for name, text in zip(who, SLIPS.values(), strict=True)]
    assert said["frames"] == list(range(len(SLIPS) + 2))
    assert said["last"] == len(SLIPS) + 1
    assert len([r for r in caplog.records if "careless" in r.message and r.exc_info]) == len(SLIPS)


def test_a_free_running_world_tells_of_a_mistake_once_and_goes_on(run_client, caplog):
    said = run_client(
        """
        world = client.get_world()
        careless = world.spawn_actor(world.get_blueprint_library().find("sensor.other.careless"), carla.Transform())
        careless.listen(lambda _: None)
        frames = [world.wait_for_tick(5.0).frame for _ in range(8)]
        careless.stop(); careless.destroy()
        synchronous(world)
        say(frames=frames, next=error_of(world.tick))
        """
    )
    assert said["frames"] == sorted(set(said["frames"]))
    assert said["next"] is None
    assert [r.levelname for r in caplog.records if "careless" in r.message] == ["ERROR"]


def spawn(world, name, x=0.0, **given):
    definition = next(d for d in world.library.definitions() if d.id == name)
    return world.spawn(ActorDescription(definition.uid, name, ()), Transform(Vector3D(x, 0.0, 0.0)), **given)


@pytest.fixture
def world(service):
    world = service._world
    with world.lock:
        world.clock.settings = EpisodeSettings(synchronous_mode=True, fixed_delta_seconds=0.05)
    return world


def test_a_sensor_without_pictures_measures_where_nothing_is_drawn(world):
    car = spawn(world, "vehicle.seat.leon")
    meter = spawn(world, "sensor.other.odometer", parent_id=car.id)
    eye = spawn(world, "sensor.camera.rgb", 3.0)
    watched = frozenset({meter.id, eye.id})
    assert [r.actor_id for r in world.snapshot(watched).readings] == [meter.id, eye.id]
    assert [r.actor_id for r in world.snapshot(watched, draw=False).readings] == [meter.id]
    world.clock.settings = EpisodeSettings(synchronous_mode=True, no_rendering_mode=True)
    snapshot = world.snapshot(watched)
    assert [r.actor_id for r in snapshot.readings] == [meter.id]
    assert snapshot.visible.objects == ()


def test_an_event_sensor_is_asked_at_every_tick_and_speaks_when_it_has_something_to_say(world):
    alarm = spawn(world, "sensor.other.alarm")
    watched = frozenset({alarm.id})
    assert world.snapshot(watched).readings == ()
    spawn(world, "vehicle.seat.leon", 9.0)
    (reading,) = world.snapshot(watched).readings
    assert msgpack.unpackb(b"".join(reading.measurement.encode(()))) == [3, 0.0, 0.0]


def test_what_a_sensor_remembers_belongs_to_one_actor(world):
    one, two = (spawn(world, "sensor.other.odometer") for _ in range(2))
    assert one.sensor is not two.sensor


def test_a_sensor_that_needs_an_unknown_pass_is_refused_by_name(renderer, make_service):
    with pytest.raises(RenderError, match=r"sensor\.other\.heat needs the render pass 'heat'.* draws rgb"):
        make_service(renderer, sensors={THERMOMETER.id: THERMOMETER})


def test_a_sensor_of_an_unknown_stream_is_refused_by_name(renderer, make_service):
    with pytest.raises(SimulatorError, match=r"^sensor\.other\.alarm sends the stream 'alarms'; CARLA .* knows coll"):
        make_service(renderer, sensors={ALARM.id: replace(ALARM, stream="alarms")})


def drawn(service, renderer, picture):
    """What the queue delivers, or its complaint, for one reading of the thermometer."""
    renderer.render = lambda cameras, *_: [picture for _ in cameras]
    heat = spawn(service._world, "sensor.other.heat")
    snapshot, sent = service._world.snapshot(frozenset({heat.id})), []
    line = service._render_queue
    line.draw(
        snapshot, snapshot.readings, lambda reading, _, pictures: sent.append(reading.measurement.encode(pictures))
    )
    line.load(service._world.town)  # after all that was asked for before
    line.wait_for_room()
    return sent


def test_a_pass_has_pixels_of_its_own_kind(renderer, make_service):
    renderer.passes = {"heat": PixelFormat("float32", 1), "rgb": BGRA}
    with make_service(renderer, sensors={THERMOMETER.id: THERMOMETER}) as service:
        assert drawn(service, renderer, np.full((2, 4, 1), 36.5, np.float32)) == [(position(36.5, 0.0, 0.0),)]
        with pytest.raises(RenderError, match=r"heat: got uint8 \(2, 4, 4\), wanted float32 \(2, 4, 1\)"):
            drawn(service, renderer, np.zeros((2, 4, 4), np.uint8))


def test_every_file_of_the_folder_brings_a_row_under_its_own_name():
    import hazardsim.server.world.sensors as room

    families = {module.name for module in pkgutil.iter_modules(room.__path__)} - {"sensor"}
    makers = {getattr(row.make, "func", row.make).__module__.rsplit(".", 1)[1] for row in room.SENSORS.values()}
    assert makers - {"test_world_sensors"} == families
    assert all(name == row.id for name, row in room.SENSORS.items())

"""Clock and heartbeat, without a socket: what goes out, in which order, and when nothing is drawn."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest

from hazardsim.errors import TownError
from hazardsim.server.protocol.payloads import Timestamp
from hazardsim.server.protocol.streams import STATE_STREAM
from hazardsim.server.protocol.structs import ActorDescription, EpisodeSettings, Transform, Vector3D
from hazardsim.server.world.clock import Clock
from hazardsim.server.world.ticker import Ticker


def test_time_goes_by_the_fixed_step_or_by_the_wall():
    clock = Clock(EpisodeSettings(fixed_delta_seconds=0.25))
    clock.advance(9.0)
    clock.advance(9.0)
    assert clock.timestamp() == Timestamp(2, 0.5)
    clock.settings = EpisodeSettings(fixed_delta_seconds=0.0)
    clock.advance(0.125)
    assert (clock.timestamp(), clock.delta_s) == (Timestamp(3, 0.625), 0.125)


def test_seconds_start_anew_with_an_episode_and_frames_go_on():
    clock = Clock(EpisodeSettings(fixed_delta_seconds=0.25))
    clock.advance(0.0)
    clock.begin_episode()
    assert (clock.timestamp(), clock.delta_s) == (Timestamp(1, 0.0), 0.0)


class Line:
    """Stands in for streams and renderer: writes down who was asked for what."""

    def __init__(self):
        self.log: list[tuple[str, object]] = []
        self.listeners: frozenset[int] = frozenset()
        self.idle = True

    def publish(self, stream, message):
        self.log.append(("state" if stream == STATE_STREAM else f"sensor {stream}", b"".join(message)))

    def watched(self):
        return self.listeners

    def settle(self, seconds):
        self.log.append(("settle", seconds))

    def end(self, stream):
        self.log.append(("end", stream))

    def wait_for_room(self):
        self.log.append(("room", None))

    def load(self, town):
        self.log.append(("load", town.name))

    def draw(self, snapshot, readings, deliver):
        self.log.append(("draw", tuple(r.actor_id for r in readings)))
        self.deliver = lambda picture: [deliver(r, snapshot, [picture]) for r in readings]

    def names(self):
        return [name for name, _ in self.log]


@pytest.fixture
def world(service):
    service._ticker.close()
    service._world.clock.settings = EpisodeSettings(synchronous_mode=True, fixed_delta_seconds=0.5)
    return service._world


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def ticker(world, line):
    return Ticker(world, line, line)


@pytest.fixture
def eye(world, line):
    definition = next(d for d in world.library.definitions() if d.id == "sensor.camera.depth")
    actor = world.spawn(ActorDescription(definition.uid, definition.id, ()), Transform(Vector3D(1.0, 2.0, 3.0)))
    line.listeners = frozenset({actor.id})
    return actor


def test_the_state_leaves_before_anything_is_drawn(ticker, line, eye):
    first = ticker.tick()
    assert ticker.tick() == first + 1
    assert line.names() == ["room", "settle", "state", "draw"] * 2
    state = line.log[2][1]
    assert struct.unpack_from("<QQ", state) == (17, first)
    assert line.log[3][1] == (eye.id,)


def test_a_picture_is_sent_with_the_frame_and_the_place_of_its_tick(ticker, line, eye, world):
    frame = ticker.tick()
    world.place(eye, Transform(Vector3D(9.0, 9.0, 9.0)))
    line.deliver(np.full((600, 800, 4), 5, np.uint8))
    name, message = line.log[-1]
    assert name == f"sensor {eye.id}"
    assert struct.unpack_from("<QQ", message) == (1, frame)
    assert struct.unpack_from("<3f", message, 24) == (1.0, 2.0, 3.0)
    assert struct.unpack_from("<IIf", message, 48) == (800, 600, 90.0)
    assert message[60:] == b"\5" * (800 * 600 * 4)


def test_a_map_change_is_told_once(ticker, line, world):
    world.map_changed = True
    ticker.tick()
    ticker.tick()
    changes = [struct.unpack_from("<I", message, 48 + 32)[0] for name, message in line.log if name == "state"]
    assert changes == [1, 0]


def test_a_new_town_ends_the_sensors_of_the_old_one(ticker, line, eye, world):
    town, episode = world.town, world.episode_id
    other = type(town)("Other", "", (), {}, (), ())
    ticker.change_town(lambda: other, reset_settings=False)
    assert world.town is other
    assert world.episode_id == episode + 1
    assert ("load", "Other") in line.log
    assert ("end", eye.id) in line.log
    assert line.names()[-1] == "state"
    assert world.clock.settings.synchronous_mode


def test_a_town_that_cannot_be_built_leaves_the_episode_as_it_is(ticker, line, eye, world):
    def ruin():
        raise TownError("Ruin has no drivable road")

    episode = world.episode_id
    with pytest.raises(TownError):
        ticker.change_town(ruin, reset_settings=True)
    assert world.episode_id == episode
    assert world.actors.find(eye.id) is eye
    ticker.tick()
    assert line.names() == ["room", "settle", "state", "draw"]


def test_a_free_running_world_draws_only_when_nothing_waits(ticker, line, eye, world):
    world.clock.settings = EpisodeSettings()
    line.idle = False
    ticker.start()
    try:
        wait_for(lambda: line.names().count("state") >= 3)
        assert "draw" not in line.names()
        line.idle = True
        wait_for(lambda: "draw" in line.names())
    finally:
        ticker.close()


def wait_for(done, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)

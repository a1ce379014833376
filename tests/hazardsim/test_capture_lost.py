"""A server that is lost: whoever waits for it is told at once, and in words."""

import sys
import time
from types import SimpleNamespace

import pytest

from hazardsim.capture import explore as exploring
from hazardsim.capture import rig as rigs
from hazardsim.dataset.numbering import Slot
from hazardsim.errors import ServerLostError
from hazardsim.jobs import worker


def test_a_frame_that_never_comes_spends_the_patience_of_all(monkeypatch):
    monkeypatch.setattr(rigs, "FRAME_TIMEOUT_S", 0.2)
    rig = rigs.CameraRig(None, None)
    rig._images, rig._latest = {"sensor.camera.rgb": {}}, {"sensor.camera.rgb": -1}
    with pytest.raises(ServerLostError, match=r"sensor\.camera\.rgb sent nothing for frame 1"):
        rig.pictures(1)
    rig._heard_s = time.monotonic() + 60.0
    with pytest.raises(ServerLostError, match=r"broke off before sensor\.camera\.rgb had sent frame 2"):
        rig.pictures(2)


def test_a_question_for_the_ground_that_gets_no_answer_gives_up(monkeypatch):
    def silent(*_):
        raise RuntimeError("time-out of 30000ms")

    monkeypatch.setitem(sys.modules, "carla", SimpleNamespace(Location=lambda *place: place))
    monkeypatch.setattr(exploring, "Roads", lambda *_: None)
    monkeypatch.setattr(exploring, "_obstacles", lambda _: ())
    world = SimpleNamespace(get_map=lambda: SimpleNamespace(to_opendrive=str), ground_projection=silent)
    session = SimpleNamespace(world=world, town="Town01", blueprint_names=frozenset())
    gone = []
    around = exploring.explore(session, lambda: gone.append(True))
    assert not gone
    with pytest.raises(ServerLostError, match="the server stopped answering: time-out of 30000ms"):
        around.ground(0.0, 0.0, 0.0)
    assert gone == [True]


def test_frames_that_wait_to_be_written_are_dropped_when_the_source_breaks_off(monkeypatch):
    decoded = []

    def slowly():
        decoded.append(1)
        time.sleep(0.2)
        raise ServerLostError("nothing came")

    def capture(scene):
        if scene == 3:
            raise ServerLostError("the server stopped answering")
        return slowly if scene == 1 else lambda: decoded.append(scene)

    monkeypatch.setattr(worker, "_WAITING_FRAMES", 3)
    monkeypatch.setattr(worker, "sample_scene", lambda _, __, index, *___: index)
    source = SimpleNamespace(capture=capture, surroundings=None)
    writer = SimpleNamespace(next_attempt=lambda _: 0)
    run = worker._TownRun(SimpleNamespace(scenario=None, seed=0), source, writer, ())
    with pytest.raises(ServerLostError, match="the server stopped answering"):
        run.make([Slot(number, "Town01", number) for number in (1, 2, 3)])
    assert decoded == [1]

"""Framing of requests, shapes of answers, payloads of streams, tables of sensors."""

from __future__ import annotations

import struct

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hazardsim.errors import SimulatorError
from hazardsim.server.protocol import payloads, stream_kinds, wire
from hazardsim.server.protocol.rpc import CallError, endpoint
from hazardsim.server.protocol.streams import token
from hazardsim.server.protocol.structs import Rotation, Transform, Vector3D, VehicleControl
from hazardsim.server.world.sensors import SENSORS
from hazardsim.server.world.sensors.sensor import Moment


def request(number: int, name: str, *arguments: object) -> bytes:
    return msgpack.packb([0, number, name, [[False], *arguments]])


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.text(max_size=9)), max_size=6), st.integers(1, 40))
def test_requests_come_whole_out_of_any_chunks(calls, size):
    stream = b"".join(request(number, name, "x" * 30, [1.5]) for number, name in calls)
    reader = wire.RequestReader()
    chunks = [stream[i : i + size] for i in range(0, len(stream), size)]
    seen = [(r.id, r.name) for chunk in chunks for r in reader.feed(chunk)]
    assert seen == calls


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xc1",
        msgpack.packb([1, 2, None, []]),
        msgpack.packb([0, 1, "version"]),
        msgpack.packb([0, 1, 5, [[False]]]),
        msgpack.packb([0, 1, "version", []]),
        msgpack.packb({"a": 1}),
        b"\x94\x00\x01\xa2\xff\xfe\x91\x91\xc2",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 5000,
    ],
)
def test_bytes_that_are_no_request_are_refused(data):
    with pytest.raises(wire.FramingError):
        list(wire.RequestReader().feed(data))


@pytest.mark.parametrize(
    "filler",
    [b"\xc6\x00\x10\x00\x00" + bytes(1 << 20), b"\xdd\x00\x00\xff\xff" + b"\xcb" * 90_000],
    ids=["one long value", "many values"],
)
def test_an_endless_request_is_refused_before_it_is_held(filler):
    reader = wire.RequestReader(limit=1 << 15)
    data = b"\x94\x00\x01\xa1x" + filler
    fed = 0

    def feed_all():
        nonlocal fed
        for at in range(0, len(data), 4096):
            fed = at + 4096
            list(reader.feed(data[at : at + 4096]))

    with pytest.raises(wire.FramingError):
        feed_all()
    assert fed <= (1 << 15) + 4096


def test_answers_have_the_shapes_of_the_reference():
    assert wire.response(7, wire.good(101)) == msgpack.packb([1, 7, None, [[1, 101]]])
    assert wire.response(7, wire.done()) == msgpack.packb([1, 7, None, [[False]]])
    assert wire.response(7, wire.bad("no")) == msgpack.packb([1, 7, None, [[0, ["no"]]]])
    assert wire.response(7, wire.failed("no")) == msgpack.packb([1, 7, None, [[True, ["no"]]]])


class Calls:
    def ask(self, number: int, note: str = "") -> tuple[int, ...]:
        if number < 0:
            raise CallError("below zero")
        return (number, len(note))

    def tell(self, number: int) -> None:
        if number < 0:
            raise CallError("below zero")


def test_annotations_say_how_a_call_travels():
    calls = {name: endpoint(Calls(), name) for name in ("ask", "tell")}
    assert calls["ask"]([3]) == [[1, [3, 0]]]
    assert calls["ask"]([3, "ab"]) == [[1, [3, 2]]]
    assert calls["ask"]([-1]) == [[0, ["below zero"]]]
    assert calls["tell"]([3]) == [[False]]
    assert calls["tell"]([-1]) == [[True, ["below zero"]]]


def test_token_is_24_bytes_and_lets_the_client_keep_its_host():
    assert token(7, 2001) == struct.pack("<IHBB", 7, 2001, 1, 0) + bytes(16)


def test_sensor_numbers_differ_between_releases():
    assert stream_kinds.stream_kind_number("rgb") == 13
    assert stream_kinds.stream_kind_number("world_observer") == 17
    assert stream_kinds.stream_kind_number("world_observer", "0.9.15") == 16
    assert len(stream_kinds.STREAM_KINDS["0.9.15"]) == 19
    assert len(stream_kinds.STREAM_KINDS["0.9.16"]) == 22
    with pytest.raises(SimulatorError, match=r"0\.9\.14"):
        stream_kinds.stream_kind_number("rgb", "0.9.14")
    with pytest.raises(SimulatorError, match="smell"):
        stream_kinds.stream_kind_number("smell")


def test_picture_bytes():
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    where = Transform(Vector3D(1, 2, 3), Rotation(4, 5, 6))
    values = {a.id: a.value for a in SENSORS["sensor.camera.depth"].attributes}
    camera = SENSORS["sensor.camera.depth"].make(values | {"image_size_x": "3", "image_size_y": "2"})
    moment = Moment(where, 0, None, None, None)
    body = camera.measure(moment).encode([pixels])
    message = payloads.sensor_message("depth", payloads.Timestamp(9, 0.5), where, body)
    expected = struct.pack("<QQd6f", 1, 9, 0.5, 1, 2, 3, 4, 5, 6) + struct.pack("<IIf", 3, 2, 90.0) + pixels.tobytes()
    assert b"".join(message) == expected
    assert payloads.size_of(message) == len(expected)


def test_state_bytes():
    car = payloads.ActorState(5, Transform(Vector3D(1, 2, 3)), control=VehicleControl(throttle=0.5, gear=-1))
    other = payloads.ActorState(6, Transform())
    state = payloads.EpisodeState(3, payloads.Timestamp(9, 0.5), 7.0, 0.05, (car, other), map_changed=True)
    data = b"".join(payloads.state_message(state))
    assert len(data) == 48 + 36 + 2 * 119
    assert struct.unpack_from("<QQd", data) == (17, 9, 0.5)
    assert struct.unpack_from("<Qdf3iI", data, 48)[:2] == (3, 7.0)
    assert struct.unpack_from("<Qdf3iI", data, 48)[6] == 1
    assert struct.unpack_from("<IB3f", data, 84) == (5, 1, 1.0, 2.0, 3.0)
    assert struct.unpack_from("<fff3?i", data, 84 + 65)[0::6] == (0.5, -1)
    assert struct.unpack_from("<IB", data, 84 + 119) == (6, 1)

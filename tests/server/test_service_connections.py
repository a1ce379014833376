"""What strangers and slow readers can do to the service: nothing to anybody else."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
import threading
import time

import msgpack
import pytest

from hazardsim.errors import SimulatorError, TownError
from hazardsim.server.protocol.sockets import listen_pair
from hazardsim.server.protocol.streams import QUEUE_MESSAGES, StreamServer
from hazardsim.server.protocol.wire import MAX_MESSAGE_BYTES
from hazardsim.server.service import Service, announce


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.settimeout(10)
    return connection


def ask(connection: socket.socket, name: str, *arguments: object) -> list:
    connection.sendall(msgpack.packb([0, 1, name, [[False], *arguments]]))
    unpacker = msgpack.Unpacker()
    while True:
        chunk = connection.recv(65536)
        assert chunk, "the server closed the connection"
        unpacker.feed(chunk)
        for message in unpacker:
            return message


def version_is_served(port: int) -> bool:
    with connect(port) as connection:
        return ask(connection, "version")[3] == [[1, "0.9.16"]]


def is_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xc1\xc1\xc1",
        b"\x00" * 4096,
        b"\x94\x00\x01\xa7version\xdd\xff\xff\xff\xff",
        b"\x94\x00\x01\xa7version\xc6" + (2 * MAX_MESSAGE_BYTES).to_bytes(4, "big") + bytes(2 * MAX_MESSAGE_BYTES),
        b"\x94\x00\x01\xa7version\xdc\xff\xff" + (b"\xdc\xff\xff" + b"\xc0" * 65535) * 70,
    ],
    ids=["http", "not-msgpack", "numbers", "long-array", "long-bytes", "many-items"],
)
def test_a_message_that_is_none_closes_only_its_own_connection(service, caplog, data):
    with connect(service.port) as good, connect(service.port) as bad, caplog.at_level(logging.WARNING):
        assert ask(good, "version")[3] == [[1, "0.9.16"]]
        with contextlib.suppress(ConnectionError):
            bad.sendall(data)
        assert is_closed(bad)
        assert ask(good, "version")[3] == [[1, "0.9.16"]]
    assert version_is_served(service.port)
    lines = [record for record in caplog.records if "closing this connection" in record.getMessage()]
    assert len(lines) == 1
    assert "\n" not in lines[0].getMessage()


def test_wrong_arguments_get_an_error_and_the_connection_lives(service):
    with connect(service.port) as connection:
        assert ask(connection, "destroy_actor", "seven")[2] == ("destroy_actor.actor_id: expected an integer, got str")
        assert "expected 1 arguments, got 0" in ask(connection, "destroy_actor")[2]
        assert ask(connection, "version")[3] == [[1, "0.9.16"]]


def test_calls_that_are_not_served_are_named(service, caplog):
    with connect(service.port) as connection:
        assert "get_actor_bone_names" in ask(connection, "get_actor_bone_names", 1)[3][0][1][0]
        answer = ask(connection, "set_walker_state", 1)[3]
        assert answer[0][0] is True
        assert "set_walker_state" in answer[0][1][0]
        assert "make_coffee" in ask(connection, "make_coffee")[2]
    named = " ".join(record.getMessage() for record in caplog.records)
    assert all(name in named for name in ("get_actor_bone_names", "set_walker_state", "make_coffee"))


def test_a_broken_command_in_a_batch_is_refused(service):
    with connect(service.port) as connection:
        assert "a command is" in ask(connection, "apply_batch", [["x"]], False)[2]
        result = ask(connection, "apply_batch", [[[99, []]]], False)[3]
        assert "99" in result[0][0][1][0]


def test_a_place_outside_the_world_is_refused(service):
    far = [[1e30, 0.0, 0.0], [0.0, 0.0, 0.0]]
    with connect(service.port) as connection:
        spectator = ask(connection, "get_spectator")[3][0][1][0]
        assert "outside the world" in ask(connection, "set_actor_transform", spectator, far)[3][0][1][0]


def test_ports_in_use_are_named():
    first, second = listen_pair("127.0.0.1", 0)
    port = first.getsockname()[1]
    assert second.getsockname()[1] == port + 1
    with first, second:
        with pytest.raises(SimulatorError, match=rf"port {port} .*in use"):
            listen_pair("127.0.0.1", port)
        first.close()
        with pytest.raises(SimulatorError, match=rf"port {port + 1} .*in use"):
            listen_pair("127.0.0.1", port)
    for closed in listen_pair("127.0.0.1", port):
        closed.close()
    with pytest.raises(SimulatorError, match="65534"):
        listen_pair("127.0.0.1", 65535)


def test_a_service_that_cannot_start_leaves_its_ports_free(renderer):
    def ruined(name: str):
        raise TownError(f"{name} has no drivable road")

    probe = listen_pair("127.0.0.1", 0)
    port = probe[0].getsockname()[1]
    for listener in probe:
        listener.close()
    with pytest.raises(TownError):
        Service(ruined, ("Town01",), renderer, None, None, port=port)
    for listener in listen_pair("127.0.0.1", port):
        listener.close()


@pytest.fixture
def streams():
    rpc, listener = listen_pair("127.0.0.1", 0)
    rpc.close()
    server = StreamServer(listener)
    server.start()
    yield server
    server.close()


def subscribe(server: StreamServer, stream: int) -> socket.socket:
    server.expect(stream)
    connection = connect(server.port)
    connection.sendall(struct.pack("<I", stream))
    server.settle(5.0)
    return connection


def read_message(connection: socket.socket) -> bytes:
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "little"):
        wanted = 4 if len(data) < 4 else 4 + int.from_bytes(data[:4], "little")
        chunk = connection.recv(wanted - len(data))
        assert chunk, "the stream ended"
        data += chunk
    return data[4:]


def test_a_reader_that_sleeps_holds_up_nobody_and_loses_only_its_own_messages(streams, caplog):
    count, size = 60, 1 << 20
    with subscribe(streams, 7) as sleeper, subscribe(streams, 7) as reader:
        seen = []
        thread = threading.Thread(target=lambda: seen.extend(read_message(reader)[0] for _ in range(count)))
        thread.start()
        slowest = 0.0
        for number in range(count):
            begin = time.monotonic()
            streams.publish(7, (bytes([number]), bytes(size)))
            slowest = max(slowest, time.monotonic() - begin)
            while len(seen) <= number and thread.is_alive():
                time.sleep(0.001)
        thread.join(10)
        assert seen == list(range(count))
        assert slowest < 0.5
        late = [read_message(sleeper) for _ in range(QUEUE_MESSAGES)]
        assert all(len(message) == size + 1 for message in late)
        assert [message[0] for message in late] == sorted(message[0] for message in late)
    assert sum("too slowly" in record.getMessage() for record in caplog.records) == 1


def test_a_late_subscriber_of_the_state_gets_the_last_message_at_once(streams):
    streams.publish(0, (b"old",))
    streams.publish(0, (b"new",))
    with subscribe(streams, 0) as connection:
        assert read_message(connection) == b"new"


def test_ending_a_stream_closes_its_readers_and_forgets_them(streams):
    with subscribe(streams, 3) as connection:
        assert streams.watched() == {3}
        streams.end(3)
        assert connection.recv(1) == b""
    for _ in range(100):
        if not streams.watched():
            break
        time.sleep(0.02)
    assert not streams.watched()


def test_a_token_that_nobody_uses_holds_a_tick_up_once(streams):
    streams.expect(9)
    begin = time.monotonic()
    streams.settle(0.2)
    first = time.monotonic() - begin
    streams.settle(5.0)
    assert 0.2 <= first < 2.0
    assert time.monotonic() - begin < 3.0


def test_the_ready_file_appears_whole(tmp_path):
    target = tmp_path / "ready.json"
    announce(target, "127.0.0.1", 4711, "flat colours")
    facts = {"host": "127.0.0.1", "port": 4711, "pid": os.getpid(), "renderer": "flat colours"}
    assert json.loads(target.read_text()) == facts
    assert list(tmp_path.iterdir()) == [target]

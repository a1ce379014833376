"""The served table: a method and a row are a call."""

from __future__ import annotations

import inspect
import socket

import msgpack
import pytest

from hazardsim.server.protocol import unserved
from hazardsim.server.protocol.codec import U32
from hazardsim.server.protocol.rpc import CallError
from hazardsim.server.world.calls import SERVED


class HornCalls:
    """A toy: counts the actors, once for each honk."""

    def __init__(self, simulation):
        self._world = simulation.world

    def honk(self, times: U32, loud: bool = False) -> tuple[str, ...]:
        if times == 0:
            raise CallError("a horn that is silent")
        word = "HONK" if loud else "honk"
        return (f"{word} {len(list(self._world.actors))}",) * times

    def mute_horn(self) -> None:
        """Nothing to do."""


@pytest.fixture
def service(monkeypatch, make_service, renderer):
    monkeypatch.setitem(SERVED, "honk", HornCalls)
    monkeypatch.setitem(SERVED, "mute_horn", HornCalls)
    with make_service(renderer) as running:
        yield running


@pytest.fixture
def ask(service):
    """One call over a raw socket; the error and the result slots of the answer."""
    with socket.create_connection(("127.0.0.1", service.port), 5.0) as connection:

        def call(name, *arguments):
            connection.sendall(msgpack.packb([0, 7, name, [[False], *arguments]]))
            unpacker = msgpack.Unpacker()
            while True:
                unpacker.feed(connection.recv(1 << 16))
                for kind, number, error, result in unpacker:
                    assert (kind, number) == (1, 7)
                    return error, result

        yield call


def test_a_method_and_a_row_are_a_call(ask):
    assert ask("honk", 2) == (None, [[1, ["honk 1", "honk 1"]]])
    assert ask("honk", 1, True) == (None, [[1, ["HONK 1"]]])
    assert ask("honk", 0) == (None, [[0, ["a horn that is silent"]]])
    assert ask("mute_horn") == (None, [[False]])


def test_arguments_of_another_kind_are_refused_by_name(ask):
    error, result = ask("honk", "twice")
    assert "honk.times" in error
    assert result is None
    assert "expected 1 arguments, got 0" in ask("honk")[0]


def test_a_refusal_has_the_shape_that_the_client_expects(ask):
    refused = "is not served by this simulator"
    (failed, (command,)), (kind, (question,)) = ask("stop_replayer")[1][0], ask("get_navigation_mesh")[1][0]
    assert (failed, kind) == (True, 0)
    assert refused in command
    assert refused in question
    assert refused in ask("sing")[0]


def test_every_public_method_has_its_row():
    owners = set(SERVED.values())
    methods = {
        (owner, name)
        for owner in owners
        for name, _ in inspect.getmembers(owner, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == {(owner, name) for name, owner in SERVED.items()}
    assert len(SERVED) >= 60


def test_a_refused_call_has_one_shape():
    assert not unserved.COMMANDS & unserved.QUESTIONS

"""Remote calls over TCP: one thread a connection, one answer a request.

A call is a method of a served object; the annotations of the method say how its arguments and its result travel, and
a method that returns None answers with `Response<void>`.
"""

from __future__ import annotations

import inspect
import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_type_hints

from hazardsim.errors import HazardsimError
from hazardsim.server.protocol import unserved, wire
from hazardsim.server.protocol.codec import Decoder, Encoder, Wire, WireError, decoder, encoder
from hazardsim.server.protocol.sockets import accepted, close_listener, shut

_log = logging.getLogger(__name__)
_CHUNK: Final = 1 << 16
_STOP_SECONDS: Final = 5.0


class CallError(Exception):
    """A call that cannot be done; the text reaches the client's user."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A result without the `Response` around it."""

    value: Wire


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A call: the method, how its arguments are read and its result is written (None: no result)."""

    name: str
    run: Callable[..., Any]
    parameters: tuple[tuple[str, Decoder], ...]
    required: int
    write: Encoder | None

    def __call__(self, arguments: Sequence[Wire]) -> Wire:
        """Answer one request.

        Raises:
            WireError: arguments of another shape.
        """
        if not self.required <= len(arguments) <= len(self.parameters):
            raise WireError(f"{self.name}: expected {self.required} arguments, got {len(arguments)}")
        given = [
            read(value, f"{self.name}.{name}") for value, (name, read) in zip(arguments, self.parameters, strict=False)
        ]
        try:
            result = self.run(*given)
        except (CallError, HazardsimError) as error:
            _log.info("%s: %s", self.name, error)
            return wire.bad(str(error)) if self.write is not None else wire.failed(str(error))
        if isinstance(result, Bare):
            return result.value
        return wire.done() if self.write is None else wire.good(self.write(result))


def endpoint(served: object, name: str) -> Endpoint:
    """A method of an object as the call of the same name.

    Raises:
        TypeError: an annotation of the method has no form on the wire (a mistake in this program).
    """
    method = getattr(served, name)
    hints = get_type_hints(method, include_extras=True)
    parameters = inspect.signature(method).parameters.values()
    result = hints["return"]
    plain = result is type(None) or result is Bare
    return Endpoint(
        name=name,
        run=method,
        parameters=tuple((p.name, decoder(hints[p.name])) for p in parameters),
        required=sum(p.default is p.empty for p in parameters),
        write=None if plain else encoder(result),
    )


class RpcServer:
    """Answers the calls of a table on a listening socket until it is closed."""

    def __init__(
        self, listener: socket.socket, calls: Mapping[str, Endpoint], limit: int = wire.MAX_MESSAGE_BYTES
    ) -> None:
        self._listener = listener
        self._calls = calls
        self._limit = limit
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name="rpc", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening and break every connection."""
        close_listener(self._listener)
        with self._lock:
            for connection in self._connections:
                shut(connection)
        self._thread.join(_STOP_SECONDS)

    def _accept(self) -> None:
        for connection, address in accepted(self._listener):
            threading.Thread(
                target=self._serve, args=(connection, f"{address[0]}:{address[1]}"), name="rpc-client", daemon=True
            ).start()

    def _serve(self, connection: socket.socket, peer: str) -> None:
        with self._lock:
            self._connections.add(connection)
        try:
            with connection:
                self._converse(connection, peer)
        except OSError as error:
            _log.debug("%s: connection lost: %s", peer, error)
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _converse(self, connection: socket.socket, peer: str) -> None:
        reader = wire.RequestReader(self._limit)
        try:
            while chunk := connection.recv(_CHUNK):
                for request in reader.feed(chunk):
                    connection.sendall(self._answer(request, peer))
        except wire.FramingError as error:
            _log.warning("%s: %s; closing this connection", peer, error)

    def _answer(self, request: wire.Request, peer: str) -> bytes:
        name = request.name
        call = self._calls.get(name)
        if call is not None:
            try:
                return wire.response(request.id, call(request.arguments))
            except WireError as error:
                _log.warning("%s: %s", peer, error)
                return wire.refusal(request.id, str(error))
        text = unserved.refusal_text(name[:80])
        _log.warning("%s: %s", peer, text)
        if name in unserved.COMMANDS:
            return wire.response(request.id, wire.failed(text))
        if name in unserved.QUESTIONS:
            return wire.response(request.id, wire.bad(text))
        return wire.refusal(request.id, text)

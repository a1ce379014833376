"""Streams over TCP: a client sends a stream number, then reads messages for ever.

Each subscriber has one writer thread and one bounded queue; publishing only puts references into queues, so a slow
reader loses its own oldest messages and holds up nobody.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
from collections import deque
from typing import Final

from hazardsim.server.protocol.payloads import Buffers, size_of
from hazardsim.server.protocol.sockets import accepted, close_listener, shut

_log = logging.getLogger(__name__)

STATE_STREAM: Final = 0
QUEUE_MESSAGES: Final = 16
_TCP: Final = 1
_CLIENTS_OWN_HOST: Final = 0
_HELLO_SECONDS: Final = 10.0
_STOP_SECONDS: Final = 5.0


def token(stream: int, port: int) -> bytes:
    """The 24 bytes that name a stream; the client dials the host it already talks to.

    Source: `LibCarla/source/carla/streaming/detail/Token.h` of CARLA 0.9.16; see `docs/server.md`.
    """
    return struct.pack("<IHBB16x", stream, port, _TCP, _CLIENTS_OWN_HOST)


class Subscriber:
    """One connection: its queue and the thread that empties it."""

    def __init__(self, connection: socket.socket, stream: int, peer: str) -> None:
        self._connection = connection
        self._stream = stream
        self._peer = peer
        self._queue: deque[Buffers] = deque()
        self._ready = threading.Condition()
        self._open = True
        self._lost = 0
        self._writer = threading.Thread(target=self._write, name=f"stream-{stream}", daemon=True)
        self._writer.start()

    def put(self, message: Buffers) -> None:
        """Queue a message; when the queue is full its oldest one is dropped."""
        with self._ready:
            if len(self._queue) >= QUEUE_MESSAGES:
                self._queue.popleft()
                self._lost += 1
                if self._lost == 1:
                    _log.warning("%s reads stream %d too slowly: messages are dropped", self._peer, self._stream)
            self._queue.append(message)
            self._ready.notify()

    def close(self) -> None:
        """End the connection and its writer."""
        with self._ready:
            self._open = False
            self._queue.clear()
            self._ready.notify()
        shut(self._connection)

    def join(self) -> None:
        """Wait for the writer."""
        self._writer.join(_STOP_SECONDS)

    def _write(self) -> None:
        while (message := self._next()) is not None:
            head, *rest = message
            try:
                self._connection.sendall(struct.pack("<I", size_of(message)) + head)
                for part in rest:
                    self._connection.sendall(part)
            except OSError:
                return

    def _next(self) -> Buffers | None:
        with self._ready:
            self._ready.wait_for(lambda: self._queue or not self._open)
            return self._queue.popleft() if self._open else None


class StreamServer:
    """Sends published messages to the subscribers of each stream."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        self._changed = threading.Condition()
        self._subscribers: dict[int, set[Subscriber]] = {}
        self._expected: dict[int, int] = {}
        self._latest: Buffers | None = None
        self._thread = threading.Thread(target=self._accept, name="streams", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening and break every connection."""
        close_listener(self._listener)
        with self._changed:
            everyone = [s for group in self._subscribers.values() for s in group]
        for subscriber in everyone:
            subscriber.close()
        for subscriber in everyone:
            subscriber.join()
        self._thread.join(_STOP_SECONDS)

    def expect(self, stream: int) -> bytes:
        """The token of a stream, handed to a client that is about to subscribe."""
        with self._changed:
            if stream != STATE_STREAM:
                self._expected[stream] = self._expected.get(stream, 0) + 1
        return token(stream, self.port)

    def settle(self, seconds: float) -> None:
        """Wait until every client that asked for a token has subscribed; those that are late are given up."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._expected, seconds):
                _log.debug("streams %s were announced and never opened", sorted(self._expected))
                self._expected.clear()

    def watched(self) -> frozenset[int]:
        """The streams that somebody reads."""
        with self._changed:
            return frozenset(self._subscribers)

    def publish(self, stream: int, message: Buffers) -> None:
        """Queue a message for all subscribers of a stream."""
        with self._changed:
            if stream == STATE_STREAM:
                self._latest = message
            readers = tuple(self._subscribers.get(stream, ()))
        for subscriber in readers:
            subscriber.put(message)

    def end(self, stream: int) -> None:
        """Break the connections of a stream whose sensor is gone."""
        with self._changed:
            self._expected.pop(stream, None)
            readers = tuple(self._subscribers.get(stream, ()))
        for subscriber in readers:
            subscriber.close()

    def _accept(self) -> None:
        for connection, address in accepted(self._listener):
            threading.Thread(
                target=self._serve, args=(connection, f"{address[0]}:{address[1]}"), name="stream-client", daemon=True
            ).start()

    def _serve(self, connection: socket.socket, peer: str) -> None:
        with connection:
            try:
                stream = _stream_number(connection)
            except OSError as error:
                _log.warning("%s: no stream number: %s; closing this connection", peer, error)
                return
            subscriber = self._join(connection, stream, peer)
            try:
                while connection.recv(64):
                    pass
            except OSError as error:
                _log.debug("%s: stream %d lost: %s", peer, stream, error)
            finally:
                self._leave(stream, subscriber)

    def _join(self, connection: socket.socket, stream: int, peer: str) -> Subscriber:
        subscriber = Subscriber(connection, stream, peer)
        with self._changed:
            self._subscribers.setdefault(stream, set()).add(subscriber)
            if stream == STATE_STREAM and self._latest is not None:
                subscriber.put(self._latest)
            if stream in self._expected:
                self._expected[stream] -= 1
                if self._expected[stream] == 0:
                    del self._expected[stream]
            self._changed.notify_all()
        return subscriber

    def _leave(self, stream: int, subscriber: Subscriber) -> None:
        with self._changed:
            group = self._subscribers[stream]
            group.discard(subscriber)
            if not group:
                del self._subscribers[stream]
        subscriber.close()
        subscriber.join()


def _stream_number(connection: socket.socket) -> int:
    connection.settimeout(_HELLO_SECONDS)
    data = b""
    while len(data) < 4:
        chunk = connection.recv(4 - len(data))
        if not chunk:
            raise ConnectionResetError("closed before the four bytes were there")
        data += chunk
    connection.settimeout(None)
    return int.from_bytes(data, "little")

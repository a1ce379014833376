"""Framing of remote calls: a plain stream of msgpack arrays, and the shapes that answers have.

A request is `[0, id, name, [[asynchronous], argument...]]`, a response `[1, id, error or nil, result]`.
Source: the MessagePack-RPC specification as rpclib has it, and `LibCarla/source/carla/rpc/Response.h`; see
`docs/server.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgpack

from hazardsim.server.protocol.codec import Wire

MAX_MESSAGE_BYTES: Final = 4 << 20
"""Longest request: a batch of two thousand spawns with every camera attribute has room; decoding it stays bounded."""

_MAX_ITEMS: Final = 1 << 16
_REQUEST: Final = 0
_RESPONSE: Final = 1


class FramingError(ValueError):
    """Bytes that are no request; the connection that sent them cannot go on."""


@dataclass(frozen=True, slots=True)
class Request:
    """One remote call; `arguments` are still plain msgpack objects."""

    id: int
    name: str
    arguments: tuple[Wire, ...]


class RequestReader:
    """Requests out of chunks of bytes; holds at most `limit` bytes of an unfinished one."""

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._received = 0
        self._finished = 0
        self._unpacker = msgpack.Unpacker(
            raw=False,
            max_buffer_size=limit + (1 << 17),
            max_str_len=limit,
            max_bin_len=limit,
            max_array_len=_MAX_ITEMS,
            max_map_len=64,
            max_ext_len=64,
        )

    def feed(self, chunk: bytes) -> Iterator[Request]:
        """The requests that are whole after these bytes.

        Raises:
            FramingError: no msgpack, no request, or longer than the limit.
        """
        try:
            self._unpacker.feed(chunk)
            self._received += len(chunk)
            for message in self._unpacker:
                self._finished = self._unpacker.tell()
                yield _request(message)
        except msgpack.exceptions.BufferFull:
            raise FramingError(f"a message is longer than {self._limit} bytes") from None
        except (msgpack.exceptions.UnpackException, UnicodeDecodeError, ValueError) as error:
            if isinstance(error, FramingError):
                raise
            raise FramingError(f"not a msgpack message: {error or type(error).__name__}") from None
        if self._received - self._finished > self._limit:
            raise FramingError(f"a message is longer than {self._limit} bytes")


def _request(message: Wire) -> Request:
    if not isinstance(message, list) or len(message) != 4 or message[0] is not _REQUEST:
        raise FramingError(f"not a remote call: {_brief(message)}")
    _, number, name, arguments = message
    if not isinstance(number, int) or not isinstance(name, str) or not isinstance(arguments, list) or not arguments:
        raise FramingError(f"not a remote call: {_brief(message)}")
    return Request(number, name, tuple(arguments[1:]))


def _brief(message: Wire) -> str:
    text = f"{type(message).__name__} of {len(message)} items" if hasattr(message, "__len__") else repr(message)
    return text[:80]


def response(request_id: int, result: Wire) -> bytes:
    """A packed answer."""
    packed: bytes = msgpack.packb([_RESPONSE, request_id, None, result])
    return packed


def refusal(request_id: int, message: str) -> bytes:
    """A packed answer whose error slot is used: the client raises, but does not show the text."""
    packed: bytes = msgpack.packb([_RESPONSE, request_id, message, None])
    return packed


def good(value: Wire) -> Wire:
    """`Response<T>` that holds a value."""
    return [[1, value]]


def bad(message: str) -> Wire:
    """`Response<T>` that holds an error."""
    return [[0, [message]]]


def done() -> Wire:
    """`Response<void>` of a success."""
    return [[False]]


def failed(message: str) -> Wire:
    """`Response<void>` that holds an error."""
    return [[True, [message]]]

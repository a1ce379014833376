"""Listening sockets: a pair of neighbouring ports, remote calls on P and streams on P + 1."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from typing import Final

from hazardsim.errors import SimulatorError

_TRIES: Final = 64
_BACKLOG: Final = 64


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def listen_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Listeners on `port` and `port + 1`; with port 0 on a free pair.

    Raises:
        SimulatorError: a port is in use or may not be opened, or the host name means nothing here.
    """
    if port == 0:
        return _free_pair(host)
    if not 0 < port < 0xFFFF:
        raise SimulatorError(f"port {port} is not usable: choose one from 1 to 65534 (its neighbour is used as well)")
    first = _listen_or_explain(host, port)
    try:
        return first, _listen_or_explain(host, port + 1)
    except SimulatorError:
        first.close()
        raise


def _listen_or_explain(host: str, port: int) -> socket.socket:
    try:
        return _listen(host, port)
    except socket.gaierror as error:
        raise SimulatorError(f"{host} is not an address of this machine: {error.strerror}") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SimulatorError(
                f"port {port} on {host} is in use: stop what listens there, or choose another port "
                f"(a server takes two neighbouring ones)"
            ) from None
        raise SimulatorError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def _free_pair(host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(_TRIES):
        first = _listen_or_explain(host, 0)
        try:
            return first, _listen(host, first.getsockname()[1] + 1)
        except (OSError, OverflowError):
            first.close()
    raise SimulatorError(f"no two neighbouring free ports on {host} after {_TRIES} tries: name one")


def accepted(listener: socket.socket) -> Iterator[tuple[socket.socket, tuple[str, int]]]:
    """Connections, without Nagle's delay, until the listener is closed."""
    while True:
        try:
            connection, address = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection, (str(address[0]), int(address[1]))


def shut(connection: socket.socket) -> None:
    """End a connection under a thread that reads or writes it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def close_listener(listener: socket.socket) -> None:
    """Stop accepting; wakes the thread in `accepted`."""
    shut(listener)
    listener.close()

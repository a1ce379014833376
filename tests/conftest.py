"""Rules for every test: numeric faults raise, and nothing leaves this machine."""

import os
import socket

import numpy as np
import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

_connect = socket.socket.connect


@pytest.fixture(autouse=True)
def _strict_numerics():
    with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
        yield


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch):
    def guarded(self, address):
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "localhost", "::1"}:
            raise OSError(f"tests may only connect to this machine, not to {address}")
        return _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)

"""Rules for every test: numeric faults raise, nothing leaves this machine, and no test fails because it is slow."""

import os
import socket

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

STRAIGHT = """<osm version="0.6">
<node id="1" lat="0.0" lon="-0.002" version="1" visible="true"/><node id="2" lat="0.0" lon="0.002" version="1"
 visible="true"/><way id="10" version="1" visible="true"><nd ref="1"/><nd ref="2"/>
<tag k="highway" v="residential"/><tag k="lanes" v="2"/></way></osm>"""
_connect = socket.socket.connect

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items):
    """Slow ones first: where several workers share them out, all end at about the same time."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


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


@pytest.fixture(scope="session")
def straight_town(tmp_path_factory):
    """The smallest town, one straight street: servers start on it as fast as they can."""
    path = tmp_path_factory.mktemp("town") / "straight.osm"
    path.write_text(STRAIGHT)
    return path

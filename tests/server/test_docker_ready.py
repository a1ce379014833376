"""`docker/ready.sh`: a server is ready when its game thread answers for a loaded town, not when its port is open."""

import socket
import subprocess
import threading
from pathlib import Path

READY = Path(__file__).parents[2] / "docker" / "ready.sh"


def ready(port):
    command = ["bash", str(READY), "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0


def test_a_serving_server_is_ready(service):
    assert ready(service.port)


def test_no_server_is_not_ready(free_port):
    assert not ready(free_port)


def test_an_open_port_alone_is_not_ready(free_port):
    """A server that accepts and answers with an error, as CARLA does before a town is loaded."""
    with socket.create_server(("127.0.0.1", free_port)) as listener:

        def refuse():
            connection, _ = listener.accept()
            with connection:
                connection.recv(64)
                connection.sendall(b"\x94\x01\x01\xc0\x91\x92\x00\x91\xb1episode not ready")

        answering = threading.Thread(target=refuse)
        answering.start()
        assert not ready(free_port)
        answering.join()

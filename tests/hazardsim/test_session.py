"""Connecting to servers that should be refused. The client runs in a child: it may abort its process."""

import json
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

OTHER_VERSION = """
import sys
import hazardsim.server.world.calls.episode as episode
episode.SERVED_VERSION = "0.9.15"
import hazardsim.cli
sys.exit(hazardsim.cli.main(["serve", "--town", "Town01", "--port", "0", "--ready-file", sys.argv[1]]))
"""


def test_a_server_of_another_version_is_refused_before_anything_is_written(tmp_path):
    ready = tmp_path / "ready"
    server = subprocess.Popen([sys.executable, "-c", OTHER_VERSION, str(ready)], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        port = json.loads(ready.read_text())["port"]
        out = tmp_path / "out"
        command = [sys.executable, "-m", "hazardsim.cli", "render", "--server", f"127.0.0.1:{port}", "--out", str(out)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        server.terminate()
        server.wait(20)
    assert result.returncode == 1
    assert "CARLA 0.9.15, the client is 0.9.16" in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.exists()

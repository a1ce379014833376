"""Children and their parents. Each child here is a bare interpreter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hazardsim.processes import Child


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_a_child_reads_its_message_and_its_words_are_kept():
    with Child(["-c", "import sys; print(sys.stdin.read()); sys.exit(3)"], b"hello") as child:
        assert wait_until(lambda: child.code == 3)
        assert child.last_words() == "hello"


def test_an_error_counts_more_than_what_is_said_after_it():
    code = "import sys; print('hazardsim: no such town', file=sys.stderr, flush=True); print('noise')"
    with Child(["-c", code]) as child:
        assert wait_until(lambda: child.code == 0)
        assert child.last_words() == "no such town"


def test_leaving_ends_a_child_that_runs_and_its_folder():
    with Child(["-c", "import time; time.sleep(60)"]) as child:
        assert child.code is None
        folder = child.folder
        assert folder.is_dir()
    assert child.code == -signal.SIGTERM
    assert not folder.exists()


PARENT = """
import os, subprocess, sys, time
code = "import sys, time; from hazardsim.processes import end_with_parent as end; end(int(sys.argv[1])); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", code, str(os.getpid())])
print(child.pid, flush=True)
time.sleep(60)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_child_ends_with_its_parent_however_it_ends():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    time.sleep(1.0)
    assert alive(pid)  # and not before
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: not alive(pid))
    parent.stdout.close()

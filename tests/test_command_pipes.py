"""A reader that has seen enough, as `head` has, ends a command without a traceback."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", [("hazardsim", "assets", "list"), ("ood_eval", "data", "where")])
def test_a_reader_that_leaves_is_no_error(command):
    words = [sys.executable, "-m", *command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141

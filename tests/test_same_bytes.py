"""A split has the same bytes however it is made: by several workers, in two goes, whatever is killed meanwhile."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hazardsim.dataset.layout import SplitLayout

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("same bytes"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds child processes in /proc"),
]

# In smaller pictures no anomaly is large enough to be kept.
RENDER = [
    "render", "--anomalies", "--split", "test", "--seed", "7", "--width", "160", "--height", "90", "--samples", "1",
]  # fmt: skip
LAYOUT = SplitLayout("test")
FRAMES = 8
WEIGHTS = {"parent": 0.15, "worker": 0.6, "server": 0.25}  # a server costs seconds, a parent costs server and workers
GAVE_UP = "broke off 3 times without a new frame"
SERVER_ENDED = "the embedded server ended"


class Run:
    """`hazardsim render` in the background."""

    def __init__(self, town, root, workers=1, frames=FRAMES):
        self.log = root.parent / f"{root.name}.log"
        options = ["--town", str(town), "--out", str(root), "--workers", str(workers), "--frames", str(frames)]
        command = [sys.executable, "-m", "hazardsim.cli", *RENDER, *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def victims(self):
        """Process ids by what they do."""
        found = {"parent": [self.process.pid], "worker": [], "server": []}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError):
                state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
                words = (stat.parent / "cmdline").read_text().split("\0")
                if int(parent) == self.process.pid and state != "Z":
                    found["worker" if "hazardsim.jobs.worker" in words else "server"].append(int(stat.parent.name))
        return found

    def kill(self, kind, rng):
        """Kills one of a kind; whether there was one to kill."""
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(rng.choice(self.victims()[kind])), signal.SIGKILL)
            if kind == "parent":
                self.process.wait()
            return True
        return False

    def finish(self):
        assert self.process.wait(600) == 0, self.log.read_text()
        return self


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def kept(root):
    return len(list((root / LAYOUT.journal).glob("kept-*")))


@pytest.fixture(scope="module")
def undisturbed(straight_town, tmp_path_factory):
    """The set that one worker makes in one go, and how long it takes."""
    root = tmp_path_factory.mktemp("undisturbed") / "set"
    began = time.monotonic()
    Run(straight_town, root).finish()
    return tree(root), time.monotonic() - began


def test_a_split_that_two_workers_let_grow_is_the_same(straight_town, undisturbed, tmp_path):
    Run(straight_town, tmp_path / "set", frames=3).finish()
    Run(straight_town, tmp_path / "set", workers=2).finish()
    assert tree(tmp_path / "set") == undisturbed[0]


def test_server_worker_and_parent_are_killed_once_each(straight_town, undisturbed, tmp_path):
    """Each as soon as one more frame is kept. A kill counts that left frames to ask for; else a new set is made."""
    rng, left, made = np.random.default_rng(0), ["server", "worker", "parent"], 0
    while left:
        root = tmp_path / f"set-{made}"
        run, before, killed = Run(straight_town, root), 0, []
        while left and run.process.poll() is None:
            kind = left[0]
            if kept(root) > before and run.kill(kind, rng):
                before = kept(root)
                if before <= FRAMES - 3 and not (root / LAYOUT.manifest).exists():
                    killed.append(left.pop(0))
                if kind == "parent":
                    run = Run(straight_town, root)
            time.sleep(0.002)
        log = run.finish().log.read_text()
        assert "Traceback" not in log
        assert tree(root) == undisturbed[0], f"set {made}, {killed} killed"
        assert SERVER_ENDED in log or "server" not in killed
        made += 1
        assert made < 5, f"every set was finished before its {left[:1]} could be killed"


def wait_for_a_moment(run, root, rng, seconds):
    """Until the journal changes, or for a time, whatever the dice say."""
    deadline = time.monotonic() + rng.uniform(0.0, seconds)
    watch, folder = rng.random() < 0.5, root / LAYOUT.journal
    before = len(list(folder.glob("*")))
    while run.process.poll() is None and time.monotonic() < deadline:
        if watch and len(list(folder.glob("*"))) != before:
            break
        time.sleep(0.005)


@pytest.mark.soak
def test_what_is_killed_a_hundred_times_at_random_ends_in_the_same_bytes(straight_town, undisturbed, tmp_path):
    """Sets are made until a hundred kills were spent on them."""
    wanted, seconds = undisturbed
    rng, began = np.random.default_rng(100), time.monotonic()
    spent, made = dict.fromkeys(WEIGHTS, 0), 0
    while sum(spent.values()) < 100:
        root = tmp_path / f"set-{made}"
        run = Run(straight_town, root, workers=int(rng.integers(1, 3)))
        while sum(spent.values()) < 100 and run.process.poll() != 0:
            wait_for_a_moment(run, root, rng, seconds)
            if run.process.poll() is None:
                found = run.victims()
                alive = [name for name in sorted(found) if found[name]]
                weights = np.array([WEIGHTS[name] for name in alive])
                kind = str(rng.choice(alive, p=weights / weights.sum()))
                if run.kill(kind, rng):
                    spent[kind] += 1
                    print(f"kill {sum(spent.values())}: {kind} of set {made} at {kept(root)} frames", flush=True)
            code = run.process.poll()
            if code is not None and code != 0:
                assert code == -signal.SIGKILL or GAVE_UP in run.log.read_text(), run.log.read_text()
                run = Run(straight_town, root, workers=int(rng.integers(1, 3)))
        if run.process.wait(600) != 0:
            assert GAVE_UP in run.log.read_text(), run.log.read_text()
            run = Run(straight_town, root).finish()
        assert "Traceback" not in run.log.read_text()
        assert tree(root) == wanted, f"set {made} after {spent}"
        print(f"set {made} is the same", flush=True)
        made += 1
    print(f"{spent} in {time.monotonic() - began:.0f} s, an undisturbed set takes {seconds:.0f} s")
    assert all(spent.values())

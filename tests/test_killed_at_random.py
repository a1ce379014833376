"""Kill -9 of whatever works on a split, at random moments: the finished set is that of a run that nobody disturbed."""

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

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds child processes in /proc")

RENDER = ["render", "--frames", "8", "--seed", "5", "--width", "32", "--height", "18", "--samples", "1"]
OSM = """<osm version="0.6">
<node id="1" lat="0.0" lon="-0.002" version="1" visible="true"/><node id="2" lat="0.0" lon="0.002" version="1"
 visible="true"/><way id="10" version="1" visible="true"><nd ref="1"/><nd ref="2"/>
<tag k="highway" v="residential"/><tag k="lanes" v="2"/></way></osm>"""
LAYOUT = SplitLayout("training")
WEIGHTS = {"parent": 0.15, "worker": 0.6, "server": 0.25}  # a server costs seconds, a parent costs server and workers
GAVE_UP = "broke off 3 times without a new frame"


class Run:
    """`hazardsim render` in the background."""

    def __init__(self, root, workers=1):
        self.log = root.parent / f"{root.name}.log"
        town = root.parent / "straight.osm"  # the smallest town: servers start as fast as they can
        town.write_text(OSM)
        options = ["--town", str(town), "--out", str(root), "--workers", str(workers)]
        command = [sys.executable, "-m", "hazardsim.cli", *RENDER, *options]
        with self.log.open("wb") as log:
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

    def finish(self):
        assert self.process.wait(600) == 0, self.log.read_text()


def tree(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def wait_for_a_moment(run, root, rng, seconds):
    """Until the journal changes, or for a time, whatever the dice say."""
    deadline = time.monotonic() + rng.uniform(0.0, seconds)
    watch, folder = rng.random() < 0.5, root / LAYOUT.journal
    before = len(list(folder.glob("*")))
    while run.process.poll() is None and time.monotonic() < deadline:
        if watch and len(list(folder.glob("*"))) != before:
            break
        time.sleep(0.005)


def disturb(folder, wanted, kills, seconds, seed):
    """Make sets until so many kills were spent on them; each must be `wanted` in the end."""
    rng = np.random.default_rng(seed)
    spent = {"parent": 0, "worker": 0, "server": 0}
    made = 0
    while sum(spent.values()) < kills:
        root = folder / f"disturbed-{made}"
        run = Run(root, workers=int(rng.integers(1, 3)))
        while sum(spent.values()) < kills:
            wait_for_a_moment(run, root, rng, seconds)
            code = run.process.poll()
            if code == 0:
                break
            if code is None:
                found = run.victims()
                alive = [name for name in sorted(found) if found[name]]
                weights = np.array([WEIGHTS[name] for name in alive])
                kind = str(rng.choice(alive, p=weights / weights.sum()))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(rng.choice(found[kind])), signal.SIGKILL)
                    spent[kind] += 1
                    kept = len(list((root / LAYOUT.journal).glob("kept-*")))
                    print(f"kill {sum(spent.values())}: {kind} of set {made} at {kept} frames", flush=True)
                if kind == "parent":
                    code = run.process.wait()
            if code is not None and code != 0:
                assert code == -signal.SIGKILL or GAVE_UP in run.log.read_text(), run.log.read_text()
                run = Run(root, workers=int(rng.integers(1, 3)))
        if run.process.wait(600) != 0:
            assert GAVE_UP in run.log.read_text(), run.log.read_text()
            run = Run(root)
            run.finish()
        assert "Traceback" not in run.log.read_text()
        assert tree(root) == wanted, f"set {made} after {spent}"
        print(f"set {made} is the same", flush=True)
        made += 1
    return spent


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The set that nobody disturbed, and how long it took."""
    root = tmp_path_factory.mktemp("undisturbed") / "set"
    began = time.monotonic()
    Run(root).finish()
    return tree(root), time.monotonic() - began


@pytest.mark.parametrize(
    "kills",
    [pytest.param(15, marks=pytest.mark.slow), pytest.param(100, marks=[pytest.mark.slow, pytest.mark.soak])],
)
def test_what_is_killed_at_random_ends_in_the_same_bytes(tmp_path, undisturbed, kills):
    wanted, seconds = undisturbed
    began = time.monotonic()
    spent = disturb(tmp_path, wanted, kills, seconds, seed=kills)
    print(f"{spent} in {time.monotonic() - began:.0f} s, an undisturbed set takes {seconds:.0f} s")
    assert all(spent.values())

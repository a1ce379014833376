"""What the documentation promises, done at tiny size: one data set and one run for all tutorials and examples."""

import importlib.util
import logging
import re
import shlex
import signal
import sys
from pathlib import Path

import pytest

import hazardsim.cli
import ood_eval.cli

ROOT = Path(__file__).parents[2]
MAINS = {"hazardsim": hazardsim.cli.main, "ood_eval": ood_eval.cli.main}
SCENARIO = """
anomalies: {count: [1, 1], distance_m: [4, 12], min_pixels: 10}
traffic: {vehicles: [0, 1], pedestrians: [0, 1]}
"""


def command_lines(page):
    """The command lines of a page: indented or fenced lines that begin with a program of ours, less their comments."""
    lines = re.findall(r"^(?: {4})?((?:hazardsim|ood_eval) [^`\n]+)$", page.read_text(), flags=re.MULTILINE)
    inside = [line for line in lines if "..." not in line and not line.endswith((".", ","))]
    return [shlex.split(line, comments=True) for line in inside]


@pytest.fixture(scope="session")
def call():
    """Runs a command line of ours in this process; the exit code."""

    def run(words):
        argv, handler = sys.argv, signal.getsignal(signal.SIGTERM)
        sys.argv = list(words)
        try:
            return MAINS[words[0]]() or 0
        except SystemExit as end:
            return end.code
        finally:
            sys.argv = argv
            signal.signal(signal.SIGTERM, handler)
            logging.captureWarnings(capture=False)

    return run


@pytest.fixture(scope="session")
def tiny_scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "tiny.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="session")
def crossing(tmp_path_factory):
    """A town of two streets, whose server starts in a moment."""
    path = tmp_path_factory.mktemp("town") / "crossing.osm"
    path.write_text(load(ROOT / "examples/own_town.py").crossing())
    return path


@pytest.fixture(scope="session")
def tiny(tiny_scenario, crossing):
    """A command line as it stands in a tutorial, with a smaller town, fewer and smaller frames, and fewer epochs."""

    def shrink(words):
        words = list(words)
        if words[:2] == ["hazardsim", "render"]:
            words = given(words, frames=max(1, int(words[words.index("--frames") + 1]) // 8), town=crossing)
            return given(words, width=128, height=72, samples=1, scenario=tiny_scenario)
        if words[:2] == ["ood_eval", "run-caos"]:
            return given(words, epochs=1, batch_size=2)
        return words

    return shrink


def given(words, **options):
    """The words with each option set, in the place where it stands or at the end."""
    words = list(words)
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if flag in words:
            words[words.index(flag) + 1] = str(value)
        else:
            words += [flag, str(value)]
    return words


NOT_RUN = {
    ("hazardsim", "assets", "fetch"): "downloads",
    ("hazardsim", "serve"): "does not end; the example of a client has one",
}


@pytest.fixture(scope="session")
def follow(call, tiny):
    """Does what a page says, line by line, in the working directory."""

    def run(page):
        for words in command_lines(page):
            if not any(tuple(words[: len(some)]) == some for some in NOT_RUN):
                assert call(tiny(words)) == 0, shlex.join(words)

    return run


@pytest.fixture(scope="session")
def first(tmp_path_factory, follow):
    """The folder in which the first tutorial was followed: data/first and runs/first."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        follow(ROOT / "docs/tutorials/first-data-set.md")
    return folder


def load(path):
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

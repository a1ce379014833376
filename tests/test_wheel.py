"""What strangers install is the wheel, not the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the wheel's content, and a function that runs a module from it, far from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=300)
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")

    def run(module, *arguments):
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=folder,
            env={"PYTHONPATH": str(folder / "site"), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def test_the_wheel_carries_its_data_and_no_one_elses(installed):
    result = installed("hazardsim.cli", "towns")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [f"Town0{number}" for number in range(1, 7)]
    result = installed("hazardsim.cli", "assets", "list")
    assert "procedural-" in result.stdout, result.stderr


def test_the_wheel_renders(installed, tmp_path):
    result = installed(
        "hazardsim.cli", "render", "--town", "Town01", "--frames", "1", "--width", "96", "--height", "64", "--samples",
        "1", "--out", tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "train/images/training/t1-3/1.png").is_file()


def test_both_programs_explain_themselves(installed):
    for module, word in (("hazardsim.cli", "render"), ("ood_eval.cli", "run-caos")):
        result = installed(module, "--help")
        assert result.returncode == 0, result.stderr
        assert word in result.stdout

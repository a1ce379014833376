"""Rules of the house that a linter does not know."""

import subprocess
import sys
from pathlib import Path

import pytest

from hazardsim.taxonomy import STREET_HAZARDS_ANOMALY, STREET_HAZARDS_NAMES
from ood_eval.benchmarks.formats.labels import CLASS_NAMES

ROOT = Path(__file__).parent.parent
MODULES = sorted([*ROOT.glob("hazardsim/**/*.py"), *ROOT.glob("ood_eval/**/*.py")])
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base2"}


def test_no_module_is_longer_than_500_lines():
    long = {str(p.relative_to(ROOT)): n for p in MODULES if (n := len(p.read_text().splitlines())) > 500}
    assert not long


def test_no_module_has_a_name_that_says_nothing():
    assert not [p for p in MODULES if p.stem in SAYS_NOTHING]


def test_both_packages_name_the_classes_alike():
    """ood_eval keeps its own copy, so that it runs where hazardsim's dependencies are absent."""
    assert STREET_HAZARDS_NAMES[:STREET_HAZARDS_ANOMALY] == CLASS_NAMES


@pytest.mark.parametrize("program", ["hazardsim.cli", "ood_eval.cli"])
def test_help_needs_neither_carla_nor_torch(program):
    code = f"""
import sys
from {program} import main
sys.argv = ["program", "--help"]
try:
    main()
except SystemExit:
    pass
heavy = {{"carla", "mitsuba", "torch", "trimesh", "cv2"}} & set(sys.modules)
assert not heavy, heavy
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "Union" not in result.stdout
    assert "render" in result.stdout or "run-caos" in result.stdout

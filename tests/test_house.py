"""Rules of the house that a linter does not know."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import grimp
import pytest

import hazardsim.commands
import ood_eval.commands
from hazardsim.packs import PACKS
from hazardsim.taxonomy import STREET_HAZARDS_ANOMALY, STREET_HAZARDS_NAMES
from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.formats.labels import CLASS_NAMES
from ood_eval.detectors import DETECTORS
from ood_eval.detectors.steps import STEPS

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
def test_help_imports_nothing_heavy(program):
    """What `--help` costs is what it imports: a third of a CPU-second with nothing but these."""
    code = f"""
import sys
before = set(sys.modules)  # a system may load a sitecustomize of its own, as Debian's does
from {program} import main
sys.argv = ["program", "--help"]
try:
    main()
except SystemExit:
    pass
added = {{name.partition(".")[0] for name in sys.modules if name not in before}}
print(*sorted(added - set(sys.stdlib_module_names)), file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    foreign = {name for name in result.stderr.split() if not name.startswith(("_", "cython"))}
    assert foreign <= {program.partition(".")[0], "docstring_parser", "tyro", "typing_extensions", "yaml"}
    assert "Union" not in result.stdout
    assert "render" in result.stdout or "run-caos" in result.stdout


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("hazardsim", "ood_eval", cache_dir=None)


# Folders of plug-ins, and what lies beside the plug-ins in them.
PLUG_INS = {
    "hazardsim.commands": set(),
    "hazardsim.packs": {"convert", "entries", "fetch", "pack", "store"},
    "hazardsim.jobs.executors": {"executor"},
    "hazardsim.jobs.sources": set(),
    "hazardsim.server.render.lights": {"light"},
    "hazardsim.server.world.calls": set(),
    "hazardsim.server.world.sensors": {"sensor"},
    "hazardsim.catalogue.procedural": set(),
    "ood_eval.commands": set(),
    "ood_eval.benchmarks": {"benchmark", "build", "formats", "roots"},
    "ood_eval.detectors": {
        "check", "check_training", "detector", "feature_bank", "guard", "load", "mean_field", "naming", "neighbours",
        "processed", "sampled_features", "settings", "small_networks", "steps",
    },
    "ood_eval.detectors.steps": {"gaussian", "step"},
    "ood_eval.score_maps": {"folder", "map_format"},
    "ood_eval.metrics": {
        "binned", "chance", "components", "confusion", "curve", "edge_counts", "exact_sum", "histogram", "keys",
        "open_set", "protocol", "thresholds",
    },
    "ood_eval.networks.origins": set(),
}  # fmt: skip
# Who may know a plug-in by name from outside its folder, and why.
ACQUAINTED = {
    ("hazardsim.api", "hazardsim.commands.render"): "does from Python what it does",
    (
        "ood_eval.commands.train",
        "ood_eval.benchmarks.streethazards",
    ): "trains on any folder in this layout",
    ("ood_eval.detectors.standardized_max_logits", "ood_eval.detectors.steps.boundary"): "ends in it",
    ("ood_eval.detectors.standardized_max_logits", "ood_eval.detectors.steps.smooth"): "ends in it",
}


@pytest.mark.parametrize("folder", PLUG_INS)
def test_every_file_of_a_plug_in_folder_is_registered(graph, folder):
    """The registry is a dict in the folder's `__init__`, which imports what it names."""
    children = {child.rpartition(".")[2] for child in graph.find_children(folder)}
    assert PLUG_INS[folder] <= children, "a module that is gone; take it from the list"
    imported = {
        name.removeprefix(f"{folder}.").partition(".")[0] for name in graph.find_modules_directly_imported_by(folder)
    }
    assert children - PLUG_INS[folder] <= imported


def plug_in_folder(module):
    """The innermost folder of plug-ins that holds a module."""
    return max((folder for folder in PLUG_INS if module.startswith(f"{folder}.")), key=len)


@pytest.mark.parametrize("folder", PLUG_INS)
def test_nobody_outside_its_folder_knows_a_plug_in(graph, folder):
    known = set()
    for child in graph.find_children(folder):
        if child.rpartition(".")[2] in PLUG_INS[folder]:
            continue
        for module in {child} | graph.find_descendants(child):
            users = graph.find_modules_that_directly_import(module)
            known |= {(user, module) for user in users if not f"{user}.".startswith(f"{folder}.")}
    assert known == {(user, module) for user, module in ACQUAINTED if plug_in_folder(module) == folder}


@pytest.mark.parametrize(
    ("registry", "folder"),
    [
        (BENCHMARKS, "ood_eval.benchmarks"),
        (DETECTORS, "ood_eval.detectors"),
        (STEPS, "ood_eval.detectors.steps"),
        (PACKS, "hazardsim.packs"),
        (hazardsim.commands.COMMANDS, "hazardsim.commands"),
        (ood_eval.commands.COMMANDS, "ood_eval.commands"),
    ],
)
def test_a_plug_in_is_named_after_its_file(graph, registry, folder):
    children = {child.rpartition(".")[2] for child in graph.find_children(folder)}
    assert {name.replace(" ", "_").replace("-", "_") for name in registry} == children - PLUG_INS[folder]


# Longer than a screen, and why.
LONG_FUNCTIONS = {
    "hazardsim/street/cars.py:_ends": "a list of parts with their sizes",
    "hazardsim/street/cycles.py:_bicycle": "a list of parts with their sizes",
    "hazardsim/street/cycles.py:_motorcycle": "a list of parts with their sizes",
    "hazardsim/street/lorries.py:bus_parts": "a list of parts with their sizes",
    "hazardsim/street/lorries.py:lorry_parts": "a list of parts with their sizes",
}
LONGEST_FUNCTION = 60


def functions():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def test_no_function_is_longer_than_60_lines_without_a_reason():
    long = {name for name, lines in functions() if lines > LONGEST_FUNCTION}
    assert long == LONG_FUNCTIONS.keys()


def prose(path):
    """Docstrings and comments of a module, with their lines."""
    source = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


# Documents of others, and what this project writes for its users.
ELSEWHERE = re.compile(r"(?:Docs/\w+|ATTRIBUTION|report)\.md")


def test_no_docstring_cites_a_document_that_is_not_here():
    wrong = []
    for path in [*MODULES, *sorted(ROOT.glob("tests/**/*.py")), *sorted(ROOT.glob("scenarios/**/*.py"))]:
        for line, text in prose(path):
            cited = re.findall(r"[\w./-]+\.md\b|\bDESIGN\b|\.\./shared\b", text)
            wrong += [
                f"{path.relative_to(ROOT)}:{line}: {name}"
                for name in cited
                if not ELSEWHERE.fullmatch(name)
                and not (ROOT / name).is_file()
                and not (ROOT / "docs" / name).is_file()
            ]
    assert wrong == []


def test_every_raises_says_when():
    empty = re.compile(
        r"as (?:its|their) makers? sa(?:y|id)|any of its kinds?\W*$|any (?:other )?of its kinds"
        r"|Error: (?:it is not|something is|nothing was|as of `\w+`)\.$|what the [\w ]+ raises\.$",
        re.IGNORECASE | re.MULTILINE,
    )
    found = [f"{path.relative_to(ROOT)}:{line}" for path in MODULES for line, text in prose(path) if empty.search(text)]
    assert found == []

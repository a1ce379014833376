"""The contracts of `pyproject.toml` hold, and each of them can fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from importlinter.application.use_cases import _register_contract_types, read_user_options
from importlinter.application.user_options import UserOptions
from importlinter.configuration import configure
from importlinter.domain.contract import Contract, registry

PROJECT = Path(__file__).parent.parent / "pyproject.toml"

# Imports that must not be: who, whom, and the contract that says so.
FORBIDDEN = [
    ("hazardsim.errors", "ood_eval.errors", "hazardsim never imports ood_eval"),
    ("hazardsim.scenario.sample", "hazardsim.capture.session", "in hazardsim nobody calls upwards"),
    ("hazardsim.mesh.model", "hazardsim.catalogue.library", "in hazardsim nobody calls upwards"),
    ("hazardsim.capture.session", "hazardsim.server.service", "in hazardsim nobody calls upwards"),
    ("hazardsim.server.service", "hazardsim.capture.session", "in hazardsim nobody calls upwards"),
    ("hazardsim.dataset.writer", "hazardsim.capture.session", "in hazardsim nobody calls upwards"),
    ("hazardsim.commands.serve", "hazardsim.cli", "in hazardsim nobody calls upwards"),
    ("hazardsim.server.protocol.codec", "hazardsim.server.world.world", "no circles within hazardsim"),
    ("hazardsim.catalogue.asset", "hazardsim.catalogue.library", "no circles within hazardsim"),
    ("hazardsim.server.service", "hazardsim.scenario.scene", "the server knows nothing of scenarios"),
    ("hazardsim.server.world.world", "mitsuba", "only server.render imports mitsuba"),
    ("hazardsim.capture.session", "drjit", "only server.render imports mitsuba"),
    ("ood_eval.report.page", "mitsuba_oidn", "only server.render imports mitsuba"),
    ("hazardsim.server.world.world", "carla", "carla is imported only by the client and the offline map helpers"),
    ("hazardsim.dataset.writer", "carla", "carla is imported only by the client and the offline map helpers"),
    ("ood_eval.benchmarks.generated", "carla", "carla is imported only by the client and the offline map helpers"),
    ("ood_eval.engine.campaign", "ood_eval.report.write", "in ood_eval nobody calls upwards"),
    ("ood_eval.metrics.caos", "ood_eval.benchmarks.build", "in ood_eval nobody calls upwards"),
    ("ood_eval.networks.build", "ood_eval.detectors.msp", "in ood_eval nobody calls upwards"),
    ("ood_eval.options", "ood_eval.commands.run", "in ood_eval nobody calls upwards"),
    ("ood_eval.benchmarks.formats.layout", "ood_eval.benchmarks.streethazards", "no circles within ood_eval"),
    ("ood_eval.engine.campaign", "hazardsim.dataset.reader", "ood_eval imports hazardsim only in benchmarks.generated"),
    (
        "ood_eval.benchmarks.streethazards",
        "hazardsim.dataset.layout",
        "ood_eval imports hazardsim only in benchmarks.generated",
    ),
]


@pytest.fixture(scope="module")
def options() -> UserOptions:
    configure()
    found = read_user_options(str(PROJECT))
    _register_contract_types(found)
    return found


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("hazardsim", "ood_eval", include_external_packages=True, cache_dir=None)


@contextmanager
def also(graph: grimp.ImportGraph, importer: str, imported: str) -> Iterator[None]:
    """The graph with one import more."""
    assert {importer, imported} <= graph.modules, f"{importer} or {imported} is no longer there; name its successor"
    there = graph.direct_import_exists(importer=importer, imported=imported)
    assert not there, f"{importer} already imports {imported}"
    graph.add_import(importer=importer, imported=imported)
    try:
        yield
    finally:
        graph.remove_import(importer=importer, imported=imported)


def contract_named(options: UserOptions, name: str) -> Contract:
    (found,) = [one for one in options.contracts_options if one["name"] == name]
    return registry.get_contract_class(found["type"])(name, options.session_options, found)


def kept(contract: Contract, graph: grimp.ImportGraph) -> bool:
    return contract.check(deepcopy(graph), verbose=False).kept


def test_every_contract_is_kept(options: UserOptions, graph: grimp.ImportGraph) -> None:
    names = [one["name"] for one in options.contracts_options]
    assert [name for name in names if not kept(contract_named(options, name), graph)] == []


@pytest.mark.parametrize(("importer", "imported", "name"), FORBIDDEN)
def test_a_forbidden_import_is_caught(
    options: UserOptions, graph: grimp.ImportGraph, importer: str, imported: str, name: str
) -> None:
    with also(graph, importer, imported):
        assert not kept(contract_named(options, name), graph)


def test_every_contract_has_a_case(options: UserOptions) -> None:
    assert {name for _, _, name in FORBIDDEN} == {one["name"] for one in options.contracts_options}


@pytest.mark.parametrize("package", ["hazardsim", "ood_eval"])
def test_a_new_room_must_find_its_layer(options: UserOptions, graph: grimp.ImportGraph, package: str) -> None:
    graph.add_module(f"{package}.annexe")
    try:
        assert not kept(contract_named(options, f"in {package} nobody calls upwards"), graph)
    finally:
        graph.remove_module(f"{package}.annexe")

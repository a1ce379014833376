"""Lists that are given in pieces are whole, and nothing that is given twice is dropped in silence."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import hazardsim.cli
import hazardsim.commands
import hazardsim.repeated_options
import ood_eval.cli
import ood_eval.commands
import ood_eval.repeated_options
from ood_eval.commands.data_check import DataCheck
from ood_eval.repeated_options import joined, list_options

LISTS = ("--detectors", "--limit-test-of")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("run caos --detectors a b --out x", "run caos --detectors a b --out x"),
        ("run caos --detectors a --out x --detectors b c", "run caos --detectors a b c --out x"),
        ("run --detectors=a caos --detectors=b", "run caos --detectors a b"),
        ("run --limit-test-of 1 --limit_test_of 2", "run --limit-test-of 1 2"),
        ("run --detectors -1 --detectors -2.5", "run --detectors -1 -2.5"),
        ("run --out=a=b", "run --out=a=b"),
    ],
)
def test_repeated_lists_are_joined(given: str, meant: str) -> None:
    assert joined(given.split(), LISTS) == meant.split()


def test_what_takes_one_value_is_refused_the_second_time() -> None:
    with pytest.raises(ValueError, match="--limit-test is given twice; give it once"):
        joined(["run", "--limit-test", "1", "--limit_test=2"], LISTS)


def test_the_lists_of_both_packages_are_known() -> None:
    ours = list_options(ood_eval.commands.COMMANDS.values())
    assert ours >= {"--detectors", "--seeds", "--device", "--split", "--option"}
    assert not ours & {"--out", "--data", "--seed"}
    assert "--town" in hazardsim.repeated_options.list_options(hazardsim.commands.COMMANDS.values())


def test_every_option_of_data_check_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[DataCheck] = []
    monkeypatch.setattr(DataCheck, "run", lambda self: seen.append(self))
    words = ["data", "check", "bdd_anomaly", "--option", "variant=v1", "--option", "policy=ignore_void"]
    monkeypatch.setattr(sys, "argv", ["ood_eval", *words])
    assert ood_eval.cli.main() == 0
    assert seen[0].option == ("variant=v1", "policy=ignore_void")


def test_towns_given_one_by_one_all_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    kind = hazardsim.commands.COMMANDS["render"]
    monkeypatch.setattr(kind, "run", lambda self: seen.append(self) or 0)
    assert hazardsim.cli.main(["render", "--town", "Town01", "--frames", "3", "--town", "Town05"]) == 0
    assert seen[0].town == ("Town01", "Town05")  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", ["ood_eval", "hazardsim"])
def test_twice_is_told_in_a_line(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [package, "train", "--seed", "1", "--seed", "2"])
    assert {"ood_eval": ood_eval.cli, "hazardsim": hazardsim.cli}[package].main() == 2
    assert capsys.readouterr().err == f"{package}: --seed is given twice; give it once\n"


def test_lists_within_groups_of_options_are_found() -> None:
    @dataclass(frozen=True)
    class Group:
        names: tuple[str, ...] = ()

    @dataclass(frozen=True)
    class Command:
        group: "Group"
        pair: tuple[int, int] = (1, 2)

    Command.__annotations__["group"] = Group
    assert list_options([Command]) == {"--names"}


def test_both_packages_treat_them_alike():
    """Neither may import the other, so each has the file."""
    one, other = (
        Path(module.__file__).read_text() for module in (hazardsim.repeated_options, ood_eval.repeated_options)
    )
    assert one == other

"""Two words on a command line: a group, and a command of it."""

import logging
import sys
from dataclasses import dataclass

import pytest

import hazardsim.cli
import hazardsim.commands
import ood_eval.cli
import ood_eval.commands

POLISHED = []


@dataclass(frozen=True)
class Polish:
    """Polish a model until it shines."""

    times: int = 1
    """How often."""

    def run(self):
        POLISHED.append(self.times)
        return 0


PROGRAMS = [(hazardsim.cli, hazardsim.commands), (ood_eval.cli, ood_eval.commands)]


@pytest.mark.parametrize(("program", "commands"), PROGRAMS)
def test_a_new_group_of_one_command_is_a_line_and_a_word(monkeypatch, capsys, program, commands):
    monkeypatch.setattr(logging, "captureWarnings", lambda capture: None)
    monkeypatch.setitem(commands.COMMANDS, "models polish", Polish)
    monkeypatch.setitem(commands.GROUPS, "models", "Treat models well.")
    monkeypatch.setattr(sys, "argv", ["program", "models", "polish", "--times", "3"])
    assert program.main() == 0
    assert POLISHED.pop() == 3
    for arguments, words in (([], "Treat models well."), (["models"], "Polish a model until it shines.")):
        monkeypatch.setattr(sys, "argv", ["program", *arguments, "--help"])
        with pytest.raises(SystemExit, match="0"):
            program.main()
        assert words in capsys.readouterr().out


@pytest.mark.parametrize(("program", "commands"), PROGRAMS)
def test_a_group_of_one_is_not_run_without_its_command(monkeypatch, capsys, program, commands):
    monkeypatch.setitem(commands.COMMANDS, "models polish", Polish)
    monkeypatch.setitem(commands.GROUPS, "models", "Treat models well.")
    monkeypatch.setattr(sys, "argv", ["program", "models"])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    assert "polish" in capsys.readouterr().err
    assert POLISHED == []


@pytest.mark.parametrize(("program", "commands"), PROGRAMS)
def test_every_group_says_what_it_is_for(program, commands):
    assert {name.partition(" ")[0] for name in commands.COMMANDS if " " in name} == commands.GROUPS.keys()

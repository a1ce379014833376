"""The commands by name; two words are a group and a command of it. Each is a frozen dataclass with `run()`."""

from __future__ import annotations

from typing import Final, Protocol

from ood_eval.commands.data_check import DataCheck
from ood_eval.commands.data_where import DataWhere
from ood_eval.commands.detectors import Detectors
from ood_eval.commands.evaluate import Evaluate
from ood_eval.commands.report import Report
from ood_eval.commands.run import Run
from ood_eval.commands.run_caos import RunCaos
from ood_eval.commands.score import Score
from ood_eval.commands.suites_list import SuitesList
from ood_eval.commands.suites_schema import SuitesSchema
from ood_eval.commands.suites_show import SuitesShow
from ood_eval.commands.train import Train


class Command(Protocol):
    """What the command line asks of a command; its fields are the options, its docstring the help."""

    def run(self) -> None:
        """Does it."""


GROUPS: Final = {
    "data": "Check a benchmark on disk, or say which are found, and where from.",
    "suites": "List the suites that come with the package, show one, or say what a suite's file may hold.",
}
"""What the help says of each first word that several commands share."""

COMMANDS: Final[dict[str, type[Command]]] = {
    "run-caos": RunCaos,
    "run": Run,
    "train": Train,
    "score": Score,
    "evaluate": Evaluate,
    "report": Report,
    "detectors": Detectors,
    "suites list": SuitesList,
    "suites show": SuitesShow,
    "suites schema": SuitesSchema,
    "data check": DataCheck,
    "data where": DataWhere,
}

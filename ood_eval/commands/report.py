"""`ood_eval report`: finished runs on one page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """Draw the report of finished runs, several side by side, and print their tables.

    Example: ood_eval report runs/mine runs/real --to report

    Args:
        runs: output folders of run-caos, run and evaluate.
        to: where the report goes; report/ in the first run's folder, if not given.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DIR [DIR ...]")]
    to: Path | None = None

    def run(self) -> None:
        """Writes the report and prints the tables.

        Raises:
            ResultError: a folder holds no finished run, or a damaged one.
        """
        from ood_eval.files import require_writable
        from ood_eval.report.result import read_results
        from ood_eval.report.terminal import print_table
        from ood_eval.report.write import write_report

        results = [result for run in self.runs for result in read_results(run)]
        to = self.to if self.to is not None else self.runs[0] / "report"
        require_writable(to)
        written = write_report(results, to)
        for result in results:
            print_table(result)
        _LOG.info("report: %s and %s", written, written.with_name("index.html"))

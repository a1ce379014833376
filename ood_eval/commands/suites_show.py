"""`ood_eval suites show`: a suite as the YAML that one writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro
import yaml


@dataclass(frozen=True, slots=True)
class SuitesShow:
    """Write a suite as YAML, every key of it: a start for your own, which `ood_eval run FILE.yaml` takes.

    Example: ood_eval suites show real > mine.yaml

    Args:
        name: of a suite that comes with the package, of a file, or of a benchmark, which is a suite of one.
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SUITE")]

    def run(self) -> None:
        """Writes it.

        Raises:
            ConfigError: there is no such suite, or it is wrong.
        """
        from ood_eval.engine.suite import load_suite, plain

        yaml.safe_dump(plain(load_suite(self.name)), sys.stdout, sort_keys=False, width=120, default_flow_style=None)

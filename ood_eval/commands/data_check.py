"""`ood_eval data check`: what is wrong with a set on disk."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import tyro

from ood_eval.config import parse_yaml
from ood_eval.errors import ConfigError, DataError

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Read a benchmark whole and list what is wrong with it, one finding a line; exit 1 if there is any.

    Checked: counts, pairs, sizes, allowed label values, hidden labels, and the contract of samples.

    Example: ood_eval data check bdd_anomaly --root /data/bdd100k --option variant=v1 policy=ignore_void

    Args:
        name: of the benchmark, as `ood_eval data where` lists them.
        root: its folder; where `ood_eval data where` finds it, if not given.
        split: check these splits only; all, if not given.
        option: of the benchmark, as key=value: variant=v1, policy=ignore_other, official=false, ...
    """

    name: Annotated[str, tyro.conf.Positional]
    root: Path | None = None
    split: tuple[str, ...] = ()
    option: tuple[str, ...] = ()

    def run(self) -> None:
        """Writes the findings, and counts as a log.

        Raises:
            ConfigError: name, split or option is unknown.
            DataError: there was a finding.
        """
        from ood_eval.benchmarks.build import benchmark_named, splits_of
        from ood_eval.benchmarks.roots import require_root

        options = dict(_parsed(text) for text in self.option)
        if "official" in benchmark_named(self.name).options:
            options.setdefault("official", True)
        root = self.root if self.root is not None else require_root(self.name)
        told: list[str] = []
        for split in self.split or splits_of(self.name, root, options):
            self._check(root, split, options, told)
        if told:
            raise DataError(f"{self.name}: {len(told)} finding{'s' if len(told) > 1 else ''} in {root}")

    def _check(self, root: Path, split: str, options: dict[str, Any], told: list[str]) -> None:
        """Writes the findings of a split and adds them to `told`; what stops every split alike is told once."""
        from ood_eval.benchmarks.build import build_dataset
        from ood_eval.datasets.check import Survey, findings

        try:
            dataset = build_dataset(self.name, root, split, options)
        except DataError as error:
            if " ".join(str(error).split()) in told:  # of the whole root, and told with another split
                return
            _write(split, str(error), told)
            if not options.get("official", False):
                return
            try:
                dataset = build_dataset(self.name, root, split, options | {"official": False})
            except DataError as again:
                if str(again) != str(error):
                    _write(split, str(again), told)
                return
        survey = Survey()
        for finding in findings(dataset, survey):
            _write(split, finding, told)
        _LOG.info("%s %s: %s", self.name, split, survey)


def _parsed(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"option {text!r}: write it as key=value")
    return key, parse_yaml(value, f"option {text!r}")


def _write(split: str, finding: str, told: list[str]) -> None:
    line = " ".join(finding.split())
    told.append(line)
    sys.stdout.write(f"{split}: {line}\n")

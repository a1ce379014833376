"""`ood_eval data where`: which sets are found, and where the others are to be had."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ood_eval.errors import ConfigError


@dataclass(frozen=True, slots=True)
class DataWhere:
    """Say which benchmarks are found, and where the others are to be had. Nothing is downloaded.

    Looked at: $OOD_EVAL_<NAME>, ~/.config/ood_eval/data.yaml, and folders below $OOD_EVAL_DATA.
    """

    def run(self) -> None:
        """Writes one line for each benchmark, and where to get it below."""
        from ood_eval.benchmarks import BENCHMARKS

        for name, entry in BENCHMARKS.items():
            needs = f"; lies on {', '.join(entry.needs.values())}" if entry.needs else ""
            sys.stdout.write(f"{name:25} {_place(name)}\n    {entry.site}\n    {entry.terms}; {entry.size}{needs}\n")


def _place(name: str) -> str:
    from ood_eval.benchmarks.roots import find_root

    try:
        root = find_root(name)
    except ConfigError as error:
        return str(error)
    return "not found" if root is None else f"found in {root}"

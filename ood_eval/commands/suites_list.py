"""`ood_eval suites list`: the suites that come with the package."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuitesList:
    """List the suites that come with the package: what each scores, and by what."""

    def run(self) -> None:
        """Writes two lines for each suite."""
        from ood_eval.engine.suite import load_suite, shipped_suites

        for name in shipped_suites():
            suite = load_suite(name)
            sets = ", ".join(spec.label for spec in suite.benchmarks)
            sys.stdout.write(
                f"{name:20} {len(suite.detectors)} detectors on {sets}\n"
                f"{'':20} protocols {', '.join(suite.protocols)}; trained on {suite.training.label}\n"
            )

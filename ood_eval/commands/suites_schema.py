"""`ood_eval suites schema`: what a suite's file may hold."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuitesSchema:
    """Write the JSON schema of suite files, for an editor that checks YAML while one types."""

    def run(self) -> None:
        """Writes it."""
        from pydantic import TypeAdapter

        from ood_eval.engine.suite import Suite

        sys.stdout.write(json.dumps(TypeAdapter(Suite).json_schema(), indent=2) + "\n")

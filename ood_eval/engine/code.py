"""Which code scored and counted: part of what results are kept under, so that they are not those of other code."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import ood_eval
from ood_eval.datasets.fingerprint import file_hash
from ood_eval.detectors import Detector
from ood_eval.detectors.processed import Processed
from ood_eval.errors import ConfigError

# The rooms whose code decides scores and numbers, and those that decide what fitting finds.
SCORING: Final = ("benchmarks", "datasets", "detectors", "metrics", "networks", "engine")
FITTING: Final = ("benchmarks", "datasets", "detectors", "networks")


def code_identity(detectors: Iterable[Detector], rooms: Sequence[str] = SCORING) -> dict[str, str]:
    """A hash of this package's own code in some rooms, and one of the file of each detector that is the user's own.

    Raises:
        ConfigError: a detector has no source file, as one that was typed into a prompt.
    """
    home = Path(ood_eval.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for room in rooms for path in (home / room).rglob("*.py")):
        digest.update(f"{path.relative_to(home).as_posix()}\n".encode() + path.read_bytes())
    found = {"ood_eval": digest.hexdigest()[:16]}
    for detector in detectors:
        kind = type(detector.inner if isinstance(detector, Processed) else detector)
        try:
            source = Path(inspect.getsourcefile(kind) or "")
        except (OSError, TypeError):
            source = Path()
        if not source.is_file():
            raise ConfigError(f"detector {kind.__qualname__}: put it into a file, so that its results have a name")
        if not source.is_relative_to(home):
            found[f"{kind.__module__}:{kind.__qualname__}"] = file_hash(source)[:16]
    return found

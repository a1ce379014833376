"""Which code gave a result: part of what results are kept under, so that changed code never answers with old ones."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import ood_eval
from ood_eval.data.fingerprint import file_hash
from ood_eval.detectors import Detector
from ood_eval.detectors.processed import Processed

# The rooms whose code decides scores and numbers.
_ROOMS: Final = ("data", "detectors", "metrics", "models", "experiment")


def code_identity(detectors: Iterable[Detector]) -> dict[str, str]:
    """A hash of this package's own code, and one of the file of each detector that is the user's own."""
    home = Path(ood_eval.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for room in _ROOMS for path in (home / room).rglob("*.py")):
        digest.update(f"{path.relative_to(home).as_posix()}\n".encode() + path.read_bytes())
    found = {"ood_eval": digest.hexdigest()[:16]}
    for detector in detectors:
        kind = type(detector.inner if isinstance(detector, Processed) else detector)
        source = inspect.getsourcefile(kind)
        if source is not None and not Path(source).is_relative_to(home):
            found[f"{kind.__module__}:{kind.__qualname__}"] = file_hash(Path(source))[:16]
    return found

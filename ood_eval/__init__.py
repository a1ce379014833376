"""Trains segmenters and measures which detectors find what they have never seen.

From Python: `load_segmenter` takes any torch network, `score` gives score maps of images, `evaluate` runs a benchmark
and draws its report. Nothing heavy is imported before one of them is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ood_eval.api import Evaluated, ScoreMaps, evaluate, load_segmenter, score
    from ood_eval.release import __version__

__all__ = ["Evaluated", "ScoreMaps", "__version__", "evaluate", "load_segmenter", "score"]

_HOMES: Final = {name: "ood_eval.release" if name == "__version__" else "ood_eval.api" for name in __all__}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """What the package offers, imported when first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Driving scenes with anomalies through the CARLA client.

From Python: `render` makes frames as `hazardsim render` does, `read_split` reads them back. Nothing heavy is imported
before one of them is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hazardsim.api import Scenario, Scene, StoredFrame, load_scenario, read_split, render
    from hazardsim.release import __version__

__all__ = ["Scenario", "Scene", "StoredFrame", "__version__", "load_scenario", "read_split", "render"]

_HOMES: Final = {name: "hazardsim.release" if name == "__version__" else "hazardsim.api" for name in __all__}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """What the package offers, imported when first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

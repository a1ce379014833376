"""Detectors by name, and a user's own by `package.module:Class`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from ood_eval.detectors.detector import Detector
from ood_eval.errors import DetectorError


def detector_class(name: str, table: Mapping[str, type[Detector]]) -> type[Detector]:
    """The class of a name in `table`, or of `package.module:Class`.

    Raises:
        DetectorError: the name is unknown (close ones are suggested), or what it points at is no detector.
    """
    if name in table:
        return table[name]
    if ":" not in name:
        near = difflib.get_close_matches(name, table, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(table)}"
        raise DetectorError(f"unknown detector {name!r}; {hint} Your own goes as package.module:Class")
    module_name, _, class_name = name.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise DetectorError(f"detector {name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Detector)):
        raise DetectorError(f"detector {name!r} is no subclass of ood_eval.detectors.Detector")
    return found


def build_detector(name: str, options: Mapping[str, Any], table: Mapping[str, type[Detector]]) -> Detector:
    """A detector with its published settings, changed by `options`.

    Raises:
        DetectorError: the name or an option is unknown.
    """
    try:
        return detector_class(name, table)(**options)
    except TypeError as error:
        raise DetectorError(f"detector {name!r} does not take these options: {error}") from error

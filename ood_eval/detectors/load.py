"""Detectors by name, and a user's own by `package.module:Class`."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.naming import parse_name
from ood_eval.detectors.processed import Processed
from ood_eval.detectors.settings import checked_settings
from ood_eval.errors import DetectorError, OodEvalError, in_one_line


def detector_class(name: str, table: Mapping[str, type[Detector]]) -> type[Detector]:
    """The class of a name in `table`, or of `package.module:Class`, looked for in the working directory too.

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
    here = str(Path.cwd())
    if here not in sys.path:  # an installed command has its own folder there instead
        sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:  # whatever a stranger's file may raise
        raise DetectorError(f"detector {name!r} cannot be imported: {in_one_line(error)}") from error
    if not (isinstance(found, type) and issubclass(found, Detector)):
        raise DetectorError(f"detector {name!r} is no subclass of ood_eval.detectors.Detector")
    return found


def detector_title(label: str, table: Mapping[str, type[Detector]]) -> str:
    """A detector's label as papers write it: `Energy (temperature=2.0) + flip`.

    Raises:
        DetectorError: the detector is unknown.
    """
    method, plus, steps = label.partition("+")
    name, mark, options = method.partition("(")
    title = detector_class(name, table).title + (f" ({options}" if mark else "")
    return title + (f" + {steps.replace('+', ' + ')}" if plus else "")


def build_detector(name: str, options: Mapping[str, Any], table: Mapping[str, type[Detector]]) -> Detector:
    """A detector with its published settings, changed by `options`, and the steps that its name holds after it.

    `name` is as `parse_name` takes it: `maxlogit`, `energy(temperature=2)+flip`, `package.module:Class+blur(7,1)`.

    Raises:
        DetectorError: the name, a step or an option is unknown, or a constructor of somebody's raises.
        ConfigError: an option or a setting cannot have this value.
    """
    named = parse_name(name, options)
    kind = detector_class(named.base, table)
    try:
        detector = kind(**checked_settings(named.base, kind.__init__, named.options))
    except TypeError as error:
        raise DetectorError(f"detector {named.base!r} does not take these options: {error}") from error
    except OodEvalError:
        raise
    except Exception as error:  # whatever a stranger's constructor may raise
        raise DetectorError(f"detector {named.base!r} cannot be made: {in_one_line(error)}") from error
    return Processed(detector, named.steps) if named.steps else detector

"""Names of detectors with options and steps: `energy(temperature=2)+blur(7,1)`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ood_eval.detectors.steps import STEPS, Step
from ood_eval.errors import ConfigError, DetectorError

_PART: Final = re.compile(r"\s*([^()+]+?)\s*(?:\(([^()]*)\))?\s*")


@dataclass(frozen=True)
class DetectorName:
    """What a name says: the detector, its options, and the steps after it."""

    base: str
    options: dict[str, Any]
    steps: tuple[Step, ...]

    @property
    def label(self) -> str:
        """The canonical name: options sorted, every setting of a step written out."""
        inside = ",".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        parts = [f"{self.base}({inside})" if inside else self.base]
        for step in self.steps:
            name = next(name for name, kind in STEPS.items() if type(step) is kind)
            parts.append(f"{name}({step.settings})" if step.settings else name)
        return "+".join(parts)


def parse_name(text: str, options: Mapping[str, Any]) -> DetectorName:
    """Takes a name apart; `options` are added to those in it.

    Raises:
        DetectorError: it is not written as `name(option=value)+step(value,...)`, or a step is unknown.
        ConfigError: an option is given twice, or a step cannot have these settings.
    """
    parts = [_PART.fullmatch(part) for part in re.split(r"\+(?![^()]*\))", text)]
    pairs = [(part[1], part[2]) for part in parts if part is not None]
    if len(pairs) != len(parts):
        raise DetectorError(f"detector {text!r} is not written as name(option=value)+step(value,...)")
    base, inside = pairs[0]
    values, named = _arguments(inside)
    if values:
        raise DetectorError(f"detector {text!r}: options of {base} go by name, as in {base}(option={values[0]})")
    if twice := sorted(set(named) & set(options)):
        raise ConfigError(
            f"detector {text!r}: {', '.join(twice)} is given in the name and in the options; give it once"
        )
    return DetectorName(base, named | dict(options), tuple(_step(name, settings) for name, settings in pairs[1:]))


def detector_label(name: str, options: Mapping[str, Any]) -> str:
    """The canonical name of a detector, which rows carry.

    Raises:
        DetectorError: it is not written as `name(option=value)+step(value,...)`, or a step is unknown.
        ConfigError: an option is given twice, or a step cannot have these settings.
    """
    return parse_name(name, options).label


def _step(name: str, inside: str | None) -> Step:
    if name not in STEPS:
        near = difflib.get_close_matches(name, STEPS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(STEPS)}"
        raise DetectorError(f"unknown post-processing step {name!r}; {hint}")
    values, named = _arguments(inside)
    try:
        return STEPS[name].of(values, named)
    except (TypeError, OverflowError) as error:
        raise ConfigError(f"step {name}({inside or ''}) does not take these settings: {error}") from error


def _arguments(inside: str | None) -> tuple[list[Any], dict[str, Any]]:
    values: list[Any] = []
    named: dict[str, Any] = {}
    for part in (inside or "").split(","):
        key, equals, value = part.partition("=")
        if equals:
            named[key.strip()] = _value(value)
        elif part.strip():
            values.append(_value(part))
    return values, named


def _value(text: str) -> int | float | bool | str:
    word = text.strip()
    if word.lower() in {"true", "false"}:
        return word.lower() == "true"
    try:
        return float(word) if not word.lstrip("+-").isdigit() else int(word)
    except ValueError:
        return word

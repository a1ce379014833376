"""Settings as users write them, checked against the annotations of what takes them."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from ood_eval.errors import ConfigError


def checked_settings(owner: str, maker: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with whole floats (1e3) as integers where integers are wanted.

    Only settings annotated as int, float, bool or str, or a union of these, are looked at.

    Args:
        owner: what the message calls it.
        maker: the constructor.
        given: by name.

    Raises:
        ConfigError: a setting has another type, or is NaN or infinite.
    """
    try:
        hints = get_type_hints(maker)
    except (NameError, TypeError, AttributeError):  # annotations of a stranger's that cannot be resolved here
        hints = {}
    return {key: _checked(f"{owner}: {key}", value, _plain(hints.get(key))) for key, value in given.items()}


def _plain(hint: Any) -> set[type]:  # noqa: ANN401
    """The plain types that an annotation admits; empty where it says anything else."""
    members = get_args(hint) if get_origin(hint) in {Union, types.UnionType} else (hint,)
    found = {member for member in members if member is not type(None)}
    return found if found and found <= {int, float, bool, str} else set()


def _checked(where: str, value: Any, wanted: set[type]) -> Any:  # noqa: ANN401
    if not wanted or value is None:
        return value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} must be a finite number, not {value}")
    if isinstance(value, float) and float not in wanted and int in wanted and value.is_integer():
        return int(value)
    fits = type(value) in wanted or (type(value) is int and float in wanted)
    if not fits:
        names = " or ".join(sorted({int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[t]
                                   for t in wanted))  # fmt: skip
        raise ConfigError(f"{where} must be {names}, not {value!r}")
    return value

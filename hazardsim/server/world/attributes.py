"""Attributes of blueprints: their declaration, and the check of the strings that a client sends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hazardsim.server.protocol.structs import ActorAttribute, AttributeType

_INTEGER: Final = re.compile(r"[+-]?\d{1,9}")
_NUMBER: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?)f?")
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}


def attribute(
    name: str,
    kind: AttributeType,
    default: str,
    recommended: Sequence[str] = (),
    *,
    modifiable: bool = True,
    restricted: bool = False,
) -> ActorAttribute:
    """One attribute of a blueprint; `restricted` allows the recommended values only."""
    return ActorAttribute(name, int(kind), default, tuple(recommended), modifiable, restricted)


def number(text: str) -> float | None:
    """The value of a Float attribute, or None; a trailing `f` as in CARLA's own defaults is allowed."""
    match = _NUMBER.fullmatch(text.strip())
    return float(match.group(1)) if match else None


def integer(text: str) -> int | None:
    """The value of an Int attribute, or None."""
    return int(text) if _INTEGER.fullmatch(text.strip()) else None


def truth(text: str) -> bool | None:
    """The value of a Bool attribute, or None."""
    return _TRUTHS.get(text.strip().lower())


def colour(text: str) -> tuple[float, float, float] | None:
    """The value of an RGBColor attribute `r,g,b` (0..255) as sRGB in 0..1, or None."""
    parts = [integer(part) for part in text.split(",")]
    values = [p / 255.0 for p in parts if p is not None and 0 <= p <= 255]
    return (values[0], values[1], values[2]) if len(parts) == len(values) == 3 else None


def complaint(declared: ActorAttribute, value: str) -> str | None:
    """What is wrong with a value, or None."""
    kind = AttributeType(declared.type)
    readable = {
        AttributeType.BOOL: truth,
        AttributeType.INT: integer,
        AttributeType.FLOAT: number,
        AttributeType.RGB_COLOR: colour,
    }
    if value == declared.value:
        return None
    if declared.restrict_to_recommended and value not in declared.recommended_values:
        return f"{declared.id}={value!r} is none of {', '.join(declared.recommended_values)}"
    if kind in readable and readable[kind](value) is None:
        return f"{declared.id}={value[:40]!r} is not of type {kind.name.lower()}"
    return None

"""Options that a command line gives more than once: lists are joined, of anything else the second is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

# What starts an option; a negative number does not.
_OPTION = re.compile(r"--?[A-Za-z][^=]*")


def joined(arguments: Sequence[str], lists: Iterable[str]) -> list[str]:
    """The arguments with the values of a repeated list option behind its first mention: `-x a -x b` as `-x a b`.

    Args:
        arguments: without the program's name.
        lists: options that take several values, as `list_options` finds them.

    Raises:
        ValueError: an option that takes one value is given twice; the message names it.
    """
    several = frozenset(lists)
    words: list[str] = []
    target, parts, first = words, [words], dict[str, list[str]]()
    for argument in arguments:
        match = _OPTION.match(argument)
        if match is None:
            target.append(argument)
            continue
        name, value = match[0].replace("_", "-"), argument[match.end() + 1 :]
        if name in first and name not in several:
            raise ValueError(f"{name} is given twice; give it once")
        if name in first:
            target = first[name]
        else:
            target = [name] if name in several else [argument]
            parts.append(target)
            first[name] = target
        if name in several and match.end() < len(argument):  # what follows --name=value is none of its values
            target.append(value)
            target = words
    return [argument for part in parts for argument in part]


def list_options(commands: Iterable[type]) -> frozenset[str]:
    """The options of some commands that take several values: fields whose type is a tuple of any length."""
    found: set[str] = set()
    for command in commands:
        for name, kind in _fields(command):
            if get_origin(kind) is tuple and Ellipsis in get_args(kind):
                found.add(f"--{name.replace('_', '-')}")
    return frozenset(found)


def _fields(kind: type) -> Iterable[tuple[str, Any]]:
    """Name and type of each field, also of dataclasses within whose names are left out."""
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        inner = hints[field.name]
        while get_origin(inner) is Annotated:
            inner = get_args(inner)[0]
        if dataclasses.is_dataclass(inner) and isinstance(inner, type):
            yield from _fields(inner)
        else:
            yield field.name, inner

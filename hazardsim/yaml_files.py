"""Reads YAML, safely and strictly: what is wrong with a file is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from hazardsim.errors import AssetError, HazardsimError

T = TypeVar("T")

# What PyYAML's constructors raise besides its own error, as for the month 13 or a hundred thousand brackets.
_NOT_YAML: Final = (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError, RecursionError)


class _Loader(yaml.SafeLoader):
    """The safe loader, which refuses a table that gives one key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The table of a node."""
        given: set[tuple[str, str]] = set()
        for key in (k for k, _ in node.value if isinstance(k, yaml.ScalarNode) and k.tag != "tag:yaml.org,2002:merge"):
            if (key.tag, key.value) in given:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"line {line} gives {key.value!r} a second time; keep one of them")
            given.add((key.tag, key.value))
        table: dict[Any, Any] = super().construct_mapping(node, deep)
        return table


def read_yaml(path: Path, error: type[HazardsimError]) -> object:
    """The plain value of a YAML file, None if it is empty.

    Raises:
        HazardsimError: of the kind `error`: the file cannot be read, is not UTF-8 text, is not YAML, or gives a key
            twice; the message names the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"{path} does not exist") from None
    except UnicodeDecodeError as fault:
        raise error(f"{path} is not YAML: byte {fault.start} is not UTF-8 text") from fault
    except OSError as fault:
        raise error(f"{path} cannot be read: {fault.strerror or fault}") from fault
    try:
        value: object = _Loader(text).get_single_data()
    except _NOT_YAML as fault:
        raise error(f"{path} is not YAML: {' '.join(str(fault).split()) or type(fault).__name__}") from fault
    return value


def read_listing(path: Path, kind: type[T]) -> T:
    """The content of a file of `assets/` as the frozen dataclass `kind`, every key checked.

    Raises:
        AssetError: the file cannot be read, is not YAML, or has a key that `kind` lacks or lacks one it has.
    """
    try:
        return TypeAdapter(kind).validate_python(read_yaml(path, AssetError))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(k) for k in first["loc"])
        raise AssetError(f"{path}: {where or 'top level'}: {first['msg']}") from error


strict = with_config(ConfigDict(extra="forbid"))
"""Mark a dataclass so that keys it does not have are refused."""

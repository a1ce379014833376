"""YAML, and what the user wrote in it, to checked values; whatever is wrong with it is one line."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from ood_eval.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_T = TypeVar("_T")
# What PyYAML's constructors raise besides its own error, as for the month 13 or a hundred thousand brackets.
_NOT_YAML: Final = (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError, RecursionError)

_LONGEST: Final = 60
_ROWS: Final = (list, tuple)


class _Loader(yaml.SafeLoader):
    """The safe loader, which refuses a table that gives one key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The table of a node."""
        seen: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
                seen.add((key.tag, key.value))
        table: dict[Any, Any] = super().construct_mapping(node, deep)
        return table


def load_config(kind: type[_T], path: Path) -> _T:
    """The content of a YAML file as `kind`; an empty file leaves every key at its default.

    Args:
        kind: a dataclass that pydantic reads with `extra="forbid"`.
        path: of the file.

    Raises:
        ConfigError: the file cannot be read, is not YAML, or has a key or a value that `kind` does not take.
    """
    value = read_yaml(path)
    loaded: _T = checked(kind, {} if value is None else value, str(path))
    return loaded


def read_yaml(path: Path) -> Any:  # noqa: ANN401
    """The plain value of a YAML file, None if it is empty.

    Raises:
        ConfigError: the file cannot be read or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not YAML (it is not UTF-8 text)") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, origin: str) -> Any:  # noqa: ANN401
    """The plain value of a YAML text, None if it is empty.

    Args:
        text: YAML 1.1.
        origin: what the message of an error starts with.

    Raises:
        ConfigError: the text is not YAML, or gives a key twice.
    """
    try:
        return _Loader(text).get_single_data()
    except _NOT_YAML as error:
        raise ConfigError(f"{origin}: not YAML ({' '.join(str(error).split()) or type(error).__name__})") from error


def checked(kind: Any, value: object, origin: str, *, strict: bool = False) -> Any:  # noqa: ANN401
    """A plain value as `kind`, any type that pydantic knows.

    Args:
        kind: what it must be.
        value: as YAML or a command line gave it.
        origin: what the message of an error starts with.
        strict: nothing is converted; the text "false" is no bool.

    Raises:
        ConfigError: it is not; the message names the first wrong key and what is allowed there.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(value, strict=strict)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_fault(kind, value, error.errors(include_url=False))}") from error
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error


def _fault(kind: Any, value: object, found: Sequence[ErrorDetails]) -> str:  # noqa: ANN401
    """One line on the first fault: where, and what is allowed; a misspelt key goes before what it leaves missing."""
    first = next((one for one in found if one["type"] == "unexpected_keyword_argument"), found[0])
    place = _place(value, first)
    where = f"{'.'.join(map(str, place))}: " if place else ""
    if first["type"] == "unexpected_keyword_argument":
        known = _keys(kind, place[:-1])
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        return f"{where}unknown key; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")
    if first["type"].startswith("missing"):
        return f"{where}is missing"
    # A value that may be of several types has a fault for each; that it is no object of ours tells the user nothing.
    faults = [one for one in found if _place(value, one) == place]
    told = [one for one in faults if one["type"] not in {"is_instance_of", "dataclass_exact_type"}] or faults
    messages = " or ".join(dict.fromkeys(_message(kind, place, one) for one in told))
    return f"{where}must be {messages}, not {_short(first['input'])}"


def _message(kind: Any, place: Sequence[int | str], fault: ErrorDetails) -> str:  # noqa: ANN401
    """What is allowed at a place."""
    if fault["type"] in {"dataclass_type", "dict_type", "mapping_type"}:
        known = _keys(kind, place)
        return "a table of keys" + (f" ({', '.join(known)})" if known else "")
    if fault["type"] in {"bool_type", "bool_parsing"}:
        return "true or false"
    return fault["msg"].removeprefix("Input should be ").replace("a valid string", "a text")


def _place(value: Any, fault: ErrorDetails) -> tuple[int | str, ...]:  # noqa: ANN401
    """The keys down to a fault, without pydantic's names for the types that it tried."""
    place: list[int | str] = []
    for part in fault["loc"]:
        inside = part in value if isinstance(value, Mapping) else isinstance(part, int) and isinstance(value, _ROWS)
        if inside:
            place, value = [*place, part], value[part]
    return (*place, fault["loc"][-1]) if fault["type"].startswith("missing") else tuple(place)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _keys(kind: Any, place: Sequence[int | str]) -> list[str]:  # noqa: ANN401
    """The keys of the dataclass at a place within `kind`; none, where there is no dataclass."""
    for part in place:
        kind = _inside(kind, part)
    if get_origin(kind) in {Union, types.UnionType}:
        kind = next((one for one in get_args(kind) if is_dataclass(one)), None)
    return [field.name for field in fields(kind)] if is_dataclass(kind) else []


def _inside(kind: Any, part: int | str) -> Any:  # noqa: ANN401
    """The type of a field, or of the items of a tuple, a list or a table."""
    if is_dataclass(kind):
        return get_type_hints(kind).get(str(part))
    items = get_args(kind)
    if not items:
        return None
    origin = get_origin(kind)
    return items[-1] if isinstance(origin, type) and issubclass(origin, Mapping) else items[0]

"""Frozen dataclasses as lines of JSON: strict, whole or absent, one line in memory at a time."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ood_eval.errors import ResultError
from ood_eval.files import refused, without_nan, write_pieces

_Line = TypeVar("_Line")


def line_of(value: Any) -> str:  # noqa: ANN401
    """A dataclass as one line of JSON without its line break; NaN is null.

    Raises:
        ValueError: a number is infinite.
    """
    return json.dumps(without_nan(dataclasses.asdict(value)), sort_keys=True, allow_nan=False)


def write_lines(path: Path, values: Iterable[Any]) -> None:
    """Writes dataclasses, a line each, making the folder.

    Raises:
        ResultError: the folder cannot be written or the disk is full.
    """
    write_pieces(path, (f"{line_of(value)}\n".encode() for value in values))


def read_lines(path: Path, kind: type[_Line]) -> Iterator[_Line]:
    """The dataclasses of a file; null is NaN where a field is a number that cannot be missing.

    Raises:
        ResultError: the file is missing or damaged, or holds lines of something else.
    """
    reader = TypeAdapter(kind)
    numbers = [field.name for field in dataclasses.fields(kind) if field.type in {"float", float}]  # type: ignore[arg-type]
    place = 1
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                value = json.loads(line, parse_constant=refused)
                value.update({name: math.nan for name in numbers if name in value and value[name] is None})
                yield reader.validate_python(value)
                place += 1
    except OSError as error:
        raise ResultError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, TypeError, RecursionError, ValidationError, AttributeError) as error:
        what = f"line {place} is no {kind.__name__}"
        raise ResultError(f"{path}: not a file of results ({what}); delete it and run again") from error

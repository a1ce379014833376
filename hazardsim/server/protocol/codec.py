"""Typed Python values from and to the plain objects that msgpack carries.

A frozen dataclass travels as an array of its fields in order, `X | None` as `[false]` or `[true, x]`, `bytes` as BIN,
`tuple[X, ...]` as an array. Source: `MSGPACK_DEFINE_ARRAY` and `MsgPackAdaptors.h` in CARLA's LibCarla;
`docs/server.md` says what was tried with the 0.9.16 client.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Wire = Any
Kind = Any
"""A type as an annotation has it: a class, `X | None`, `tuple[X, ...]`, `Annotated[int, Bits]`."""
_FLOAT32_MAX = 3.4e38

Decoder = Callable[[Wire, str], Any]
Encoder = Callable[[Any], Wire]


class WireError(ValueError):
    """A value on the wire does not have the shape that its place asks for."""


@dataclass(frozen=True, slots=True)
class Bits:
    """The width of an unsigned integer (or of a signed one) on the wire."""

    count: int
    signed: bool = False

    def holds(self, value: int) -> bool:
        """Whether the integer fits."""
        low = -(1 << (self.count - 1)) if self.signed else 0
        return low <= value < low + (1 << self.count)


U8 = Annotated[int, Bits(8)]
U16 = Annotated[int, Bits(16)]
U32 = Annotated[int, Bits(32)]
U64 = Annotated[int, Bits(64)]
I32 = Annotated[int, Bits(32, signed=True)]


def decode(kind: type[T], value: Wire, where: str = "value") -> T:
    """The typed value behind a decoded msgpack object.

    Raises:
        WireError: another shape, type or range; the message names the place.
    """
    read: Decoder = decoder(kind)  # type: ignore[arg-type]  # a class is hashable
    result: T = read(value, where)
    return result


def encode(kind: Kind, value: Wire) -> Wire:
    """What msgpack must pack for a typed value."""
    return encoder(kind)(value)


def _wrong(where: str, wanted: str, value: Wire) -> WireError:
    return WireError(f"{where}: expected {wanted}, got {type(value).__name__}")


def _bool(value: Wire, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "a bool", value)
    return value


def _float(value: Wire, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(where, "a number", value)
    if not math.isfinite(value):
        raise WireError(f"{where}: {value} is not a finite number")
    if abs(value) > _FLOAT32_MAX:
        raise WireError(f"{where}: {value} does not fit a 32-bit float")
    return float(value)


def _text(value: Wire, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    return value


def _bytes(value: Wire, where: str) -> bytes:
    if not isinstance(value, bytes):
        raise _wrong(where, "bytes", value)
    return value


def _anything(value: Wire, where: str) -> Wire:  # noqa: ARG001 - a decoder takes the place too
    return value


def _array(value: Wire, where: str) -> list[Wire]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, "an array", value)
    return list(value)


def _integer(bits: Bits) -> Decoder:
    def read(value: Wire, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(where, "an integer", value)
        if not bits.holds(value):
            raise WireError(f"{where}: {value} does not fit {bits.count} bits")
        return value

    return read


def _origin(kind: Kind) -> object:
    return get_origin(kind)


def _optional_of(kind: Kind) -> Kind | None:
    """X of `X | None`, else None."""
    if _origin(kind) in (Union, types.UnionType):
        inner = [k for k in get_args(kind) if k is not types.NoneType]
        if len(inner) == 1 and len(get_args(kind)) == 2:
            return inner[0]
    return None


def _field_kinds(kind: Kind) -> list[tuple[str, Kind]]:
    hints = get_type_hints(kind, include_extras=True)
    return [(f.name, hints[f.name]) for f in fields(kind)]


_SCALARS: dict[Any, Decoder] = {
    bool: _bool,
    int: _integer(Bits(64, signed=True)),
    float: _float,
    str: _text,
    bytes: _bytes,
    Any: _anything,
}


@cache
def decoder(kind: Kind) -> Decoder:
    """The function that reads one kind of value.

    Raises:
        TypeError: a kind that has no form on the wire (a mistake in this program).
    """
    if kind in _SCALARS:
        return _SCALARS[kind]
    if _origin(kind) is Annotated:
        return _integer(next(a for a in get_args(kind) if isinstance(a, Bits)))
    if (inner := _optional_of(kind)) is not None:
        return _optional_decoder(decoder(inner))
    if _origin(kind) is tuple:
        return _tuple_decoder(get_args(kind))
    if is_dataclass(kind):
        return _struct_decoder(kind)
    raise TypeError(f"{kind} has no form on the wire")


def _optional_decoder(read: Decoder) -> Decoder:
    def read_optional(value: Wire, where: str) -> Wire:
        items = _array(value, where)
        if not items or not isinstance(items[0], bool) or len(items) != 1 + items[0]:
            raise WireError(f"{where}: expected [false] or [true, value]")
        return read(items[1], where) if items[0] else None

    return read_optional


def _tuple_decoder(kinds: tuple[Kind, ...]) -> Decoder:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        read = decoder(kinds[0])
        return lambda value, where: tuple(read(v, f"{where}[{i}]") for i, v in enumerate(_array(value, where)))
    return _fixed_decoder([(str(i), decoder(k)) for i, k in enumerate(kinds)], lambda *items: items)


def _struct_decoder(kind: Kind) -> Decoder:
    return _fixed_decoder([(name, decoder(k)) for name, k in _field_kinds(kind)], kind)


def _fixed_decoder(parts: list[tuple[str, Decoder]], make: Callable[..., Any]) -> Decoder:
    def read(value: Wire, where: str) -> Wire:
        items = _array(value, where)
        if len(items) != len(parts):
            raise WireError(f"{where}: expected {len(parts)} fields, got {len(items)}")
        return make(*(part(item, f"{where}.{name}") for item, (name, part) in zip(items, parts, strict=True)))

    return read


@cache
def encoder(kind: Kind) -> Encoder:
    """The function that writes one kind of value.

    Raises:
        TypeError: a kind that has no form on the wire (a mistake in this program).
    """
    if kind in (bool, int, float, str, bytes):
        plain: Encoder = kind
        return plain
    if kind is Any:
        return lambda value: value
    if _origin(kind) is Annotated:
        return int
    if (inner := _optional_of(kind)) is not None:
        write = encoder(inner)
        return lambda value: [False] if value is None else [True, write(value)]
    if _origin(kind) is tuple:
        return _tuple_encoder(get_args(kind))
    if is_dataclass(kind):
        writers = [(name, encoder(k)) for name, k in _field_kinds(kind)]
        return lambda value: [w(getattr(value, name)) for name, w in writers]
    raise TypeError(f"{kind} has no form on the wire")


def _tuple_encoder(kinds: tuple[Kind, ...]) -> Encoder:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        write = encoder(kinds[0])
        return lambda value: [write(v) for v in value]
    writers = [encoder(k) for k in kinds]
    return lambda value: [w(v) for w, v in zip(writers, value, strict=True)]

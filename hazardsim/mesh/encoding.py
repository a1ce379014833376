"""Parts of a model as bytes and back, for models that are kept from process to process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.mesh.model import Material, Part

_ARRAYS: Final = ("vertices", "faces", "uv", "normals")
_ALIGNED: Final = 16
"""Arrays begin at multiples of so many bytes after the start."""


def encoded_parts(parts: Iterable[Part]) -> bytes:
    """A line of JSON (materials, types and shapes), then the arrays of all parts; untextured ones only.

    Raises:
        ValueError: a part has a texture, which would have to be kept as well.
    """
    entries: list[dict[str, Any]] = []
    arrays: list[bytes] = []
    for item in parts:
        if item.material.texture is not None:
            raise ValueError(f"part {item.material.name}: only untextured parts are encoded")
        entry: dict[str, Any] = {"material": asdict(item.material)}
        for name in _ARRAYS:
            array: NDArray[Any] | None = getattr(item, name)
            if array is not None:
                little = array.astype(array.dtype.newbyteorder("<"))
                entry[name] = [little.dtype.str, list(little.shape)]
                arrays.append(_padded(little.tobytes()))
        entries.append(entry)
    return b"".join([_padded(json.dumps(entries).encode() + b"\n"), *arrays])


def decoded_parts(content: bytes) -> tuple[Part, ...]:
    """What `encoded_parts` made of them; the arrays are views of `content`."""
    line = content.index(b"\n") + 1
    place = line + -line % _ALIGNED
    parts = []
    for entry in json.loads(content[:line]):
        arrays: dict[str, NDArray[Any]] = {}
        for name in _ARRAYS:
            if name in entry:
                kind, shape = entry[name]
                arrays[name] = np.frombuffer(content, kind, int(np.prod(shape)), place).reshape(shape)
                place += arrays[name].nbytes + -arrays[name].nbytes % _ALIGNED
        told = entry["material"]
        emission = None if told["emission"] is None else tuple(told["emission"])
        material = Material(**(told | {"colour": tuple(told["colour"]), "emission": emission}))
        parts.append(Part(arrays["vertices"], arrays["faces"], arrays["uv"], material, arrays.get("normals")))
    return tuple(parts)


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % _ALIGNED)

"""Checksums of tensors, and of files that hold them: torch's own format notices no flipped byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 hex over names, types, shapes and bytes of tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
        if value.numel():  # seen as bytes, for numpy lacks some types, such as bfloat16
            digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 hex of nested tables, lists, plain values and tensors, whatever the order of their keys."""
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {}
    for name, value in _leaves("", content):
        if isinstance(value, Tensor):
            tensors[name] = value
        else:
            plain[name] = repr(value)
    told = json.dumps([tensors_hash(tensors), plain], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    if isinstance(value, Mapping):
        yield f"{name}/", "table"
        for key, item in value.items():
            yield from _leaves(f"{name}/{key}", item)
    elif isinstance(value, (list, tuple)):
        yield f"{name}/", "list"
        for place, item in enumerate(value):
            yield from _leaves(f"{name}/{place}", item)
    else:
        yield name, value

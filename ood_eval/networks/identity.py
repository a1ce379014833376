"""What decides a segmenter's predictions, as one hash: its tensors, its settings and the code of its parts."""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
import logging
import sys
import types
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ood_eval.code import code_of, is_installed
from ood_eval.errors import ConfigError
from ood_eval.networks.checksum import tensors_hash
from ood_eval.networks.segmenter import Segmenter

_LOG: Final = logging.getLogger(__name__)
_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), Path, torch.dtype, torch.device, torch.Size)
_NAMED: Final = (types.BuiltinFunctionType, type)
_OF_TORCH: Final = frozenset(vars(nn.Module()))  # tensors, parts and hooks, which torch keeps in every module


def segmenter_identity(segmenter: Segmenter, modules: Iterable[str] = ()) -> str:
    """SHA-256 hex of a segmenter as it stands.

    Installed packages do not count; rows carry their versions. Code that was typed into a prompt has no file that could
    tell whether it is the same, nor has what a part of one's own keeps of a kind that cannot be hashed: then the
    identity is new each time, and that is logged.

    Args:
        segmenter: in evaluation mode.
        modules: of which the code counts, besides those of the network's own parts.
    """
    parts = {key: _attributes(part) for key, part in segmenter.named_modules()}
    kinds = {type(part).__module__ for part in segmenter.modules()}
    facts = {
        "tensors": tensors_hash(dict(segmenter.named_buffers()) | dict(segmenter.named_parameters())),
        "parts": parts,
        "classes": list(segmenter.class_names),
        "code": {name: _code(name) for name in sorted({*modules, *(one for one in kinds if not is_installed(one))})},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _attributes(part: nn.Module) -> list[Any]:
    """Kind of a part, and what it keeps beside its tensors and parts."""
    kind, kept = type(part), sorted(item for item in vars(part).items() if item[0] not in _OF_TORCH)
    lenient = is_installed(kind.__module__)
    return [_name(kind), [(key, _told(value, f"{kind.__name__}.{key}", lenient)) for key, value in kept]]


def _told(value: Any, place: str, lenient: bool) -> Any:  # noqa: ANN401
    """A value as JSON can hold it.

    Args:
        value: anything that a part keeps.
        place: of it, for the message.
        lenient: whether the kind alone stands for what cannot be hashed, instead of something new each time.
    """
    if isinstance(value, (enum.Enum, *_PLAIN)):
        return repr(value)
    if isinstance(value, Tensor):
        return tensors_hash({"": value})
    if isinstance(value, nn.Module):  # one that it only looks at
        return [_name(type(value)), tensors_hash(value.state_dict())]
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        return [str(value.dtype), list(value.shape), hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, _NAMED):
        return _name(value)
    inner = _inner(value)
    if inner is not None:
        return [_name(type(value)), [_told(one, place, lenient) for one in inner]]
    if lenient:
        return _name(type(value))
    _LOG.info("%s: a %s cannot be hashed; the network is scored anew each time", place, type(value).__name__)
    return uuid.uuid4().hex


def _inner(value: Any) -> Iterable[Any] | None:  # noqa: ANN401
    """What a container or a function holds, in an order that is the same each time; None of anything else."""
    if isinstance(value, Mapping):
        return [one for pair in value.items() for one in pair]
    if isinstance(value, (tuple, list)):
        return value
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, types.FunctionType):  # two lambdas of one file have one name
        code, cells = value.__code__, value.__closure__ or ()
        consts = [one for one in code.co_consts if isinstance(one, _PLAIN)]
        return [
            _name(value),
            code.co_code,
            code.co_names,
            consts,
            value.__defaults__,
            [one.cell_contents for one in cells],
        ]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    return None


def _name(value: Any) -> str:  # noqa: ANN401
    return f"{value.__module__}.{value.__qualname__}"


def _code(module: str) -> str:
    if module == "__main__":
        script = getattr(sys.modules[module], "__file__", None)
        if script is not None:
            return hashlib.sha256(Path(script).read_bytes()).hexdigest()
    try:
        return code_of(module)
    except ConfigError as error:
        _LOG.info("%s; the network is scored anew each time", error)
        return uuid.uuid4().hex

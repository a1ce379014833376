"""What decides a segmenter's predictions, as one hash: its tensors, its settings and the code of its parts."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from torch import nn

from ood_eval.code import code_of, is_installed
from ood_eval.errors import ConfigError
from ood_eval.networks.checksum import tensors_hash
from ood_eval.networks.segmenter import Segmenter

_LOG: Final = logging.getLogger(__name__)
_PLAIN: Final = (bool, int, float, str, tuple, list)


def segmenter_identity(segmenter: Segmenter, modules: Iterable[str] = ()) -> str:
    """SHA-256 hex of a segmenter as it stands.

    Installed packages do not count; rows carry their versions. Code that was typed into a prompt has no file that could
    tell whether it is the same: its identity is new in each process, and that is logged.

    Args:
        segmenter: in evaluation mode.
        modules: of which the code counts, besides those of the network's own parts.
    """
    parts = {key: _plain_attributes(part) for key, part in segmenter.named_modules()}
    kinds = {type(part).__module__ for part in segmenter.modules()}
    facts = {
        "tensors": tensors_hash(dict(segmenter.named_buffers()) | dict(segmenter.named_parameters())),
        "parts": parts,
        "classes": list(segmenter.class_names),
        "code": {name: _code(name) for name in sorted({*modules, *(one for one in kinds if not is_installed(one))})},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _plain_attributes(part: nn.Module) -> dict[str, Any]:
    """Kind and numbers of a part: what its constructor was given, as far as it keeps it."""
    kept = {key: value for key, value in vars(part).items() if not key.startswith("_") and isinstance(value, _PLAIN)}
    kept.pop("training", None)
    return {"kind": f"{type(part).__module__}.{type(part).__qualname__}"} | {
        key: repr(value) for key, value in sorted(kept.items())
    }


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

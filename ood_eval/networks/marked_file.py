"""Files of weights that say what they are and carry a checksum, read without running code from them."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from ood_eval.errors import CheckpointError
from ood_eval.files import write_bytes
from ood_eval.networks.checksum import content_hash

_MARK: Final = "format"
_CHECKSUM: Final = "sha256"


def write_marked(path: Path, mark: str, content: Mapping[str, Any]) -> None:
    """Writes a file whole or not at all, with a mark and a checksum of all that it holds.

    Args:
        path: of the file.
        mark: says what it is and in which version.
        content: tables, lists, plain values and tensors.

    Raises:
        ResultError: the folder cannot be written.
    """
    told = {key: value for key, value in content.items() if key != _CHECKSUM} | {_MARK: mark}
    stream = io.BytesIO()
    torch.save(told | {_CHECKSUM: content_hash(told)}, stream)
    write_bytes(path, stream.getvalue())


def read_marked(path: Path, mark: str, *unsummed: str) -> dict[str, Any]:
    """The content of a file that `write_marked` wrote with this mark; no code in the file is run.

    Args:
        path: of the file.
        mark: that it must carry.
        unsummed: marks of earlier versions, which wrote no checksum.

    Raises:
        CheckpointError: the file is missing, damaged, or carries another mark.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, LookupError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise CheckpointError(
            f"{path}: not a readable checkpoint; is it one of ood_eval's? If it is, it is damaged"
        ) from error
    if not isinstance(content, dict) or content.get(_MARK) not in {mark, *unsummed}:
        raise CheckpointError(
            f"{path}: not a checkpoint of ood_eval (no mark {mark!r}); a network of another make goes by --segmenter, "
            "its weights by --weights"
        )
    told = content.pop(_CHECKSUM, None)
    if told is None and content[_MARK] != mark:
        return content
    if told != content_hash(content):
        raise CheckpointError(f"{path}: damaged, its content is not what was written (the checksum differs)")
    return content

"""Files of weights that say what they are, read without running code from them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from ood_eval.errors import CheckpointError


def read_marked(path: Path, *marks: str) -> dict[str, Any]:
    """The content of a file that carries one of these marks under "format"; no code in the file is run.

    Raises:
        CheckpointError: the file is missing, damaged, or carries another mark.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint; is it one of ood_eval's?") from error
    if not isinstance(content, dict) or content.get("format") not in marks:
        raise CheckpointError(f"{path}: not a checkpoint of ood_eval (no mark {marks[0]!r})")
    return content

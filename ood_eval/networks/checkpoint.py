"""A segmenter as one file: weights, class names, normalisation, and the kind and options that made it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any, Final

import torch

from ood_eval.errors import CheckpointError, ConfigError
from ood_eval.files import write_bytes
from ood_eval.networks.build import segmenter_config
from ood_eval.networks.config import SegmenterConfig
from ood_eval.networks.marked_file import read_marked
from ood_eval.networks.segmenter import Segmenter

_FORMAT: Final = "ood_eval segmenter 2"
# Had kind and options in one mapping, "network".
_FIRST_FORMAT: Final = "ood_eval segmenter 1"


def save_segmenter(path: Path, segmenter: Segmenter, config: SegmenterConfig) -> None:
    """Writes the file whole or not at all.

    Raises:
        ResultError: the folder cannot be written.
    """
    stream = io.BytesIO()
    content = {
        "format": _FORMAT,
        "kind": config.kind,
        "options": {name: value for name, value in dataclasses.asdict(config).items() if name != "kind"},
        "class_names": list(segmenter.class_names),
        "mean": segmenter.mean.flatten().tolist(),
        "std": segmenter.std.flatten().tolist(),
        "weights": {name: value.contiguous() for name, value in segmenter.network.state_dict().items()},
    }
    torch.save(content, stream)
    write_bytes(path, stream.getvalue())


def load_segmenter(path: Path) -> Segmenter:
    """The segmenter of a file, in evaluation mode; no code in the file is run.

    Raises:
        CheckpointError: the file is missing, damaged, or was not written by `save_segmenter`.
    """
    content = read_marked(path, _FORMAT, _FIRST_FORMAT)
    try:
        config = segmenter_config(*_kind_and_options(content))
        names, mean, std, weights = (content[key] for key in ("class_names", "mean", "std", "weights"))
        segmenter = Segmenter(config.build(len(names)), names, mean, std)
        segmenter.network.load_state_dict(weights)
    except (KeyError, TypeError, AttributeError, ConfigError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: the checkpoint does not fit this version ({reason})") from error
    segmenter.eval()
    return segmenter.to(memory_format=torch.channels_last)


def _kind_and_options(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if content["format"] == _FORMAT:
        return content["kind"], content["options"]
    options = dict(content["network"])
    return options.pop("kind"), options

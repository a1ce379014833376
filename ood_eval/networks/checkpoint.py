"""A segmenter as one file: weights, class names, normalisation, and the kind and options that made it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ood_eval.datasets.fingerprint import file_hash
from ood_eval.errors import CheckpointError, ConfigError
from ood_eval.networks.build import segmenter_config
from ood_eval.networks.config import SegmenterConfig
from ood_eval.networks.marked_file import read_marked, write_marked
from ood_eval.networks.segmenter import Segmenter

_FORMAT: Final = "ood_eval segmenter 3"
# Had no checksum; the first had kind and options in one mapping, "network".
_SECOND_FORMAT: Final = "ood_eval segmenter 2"
_FIRST_FORMAT: Final = "ood_eval segmenter 1"


def save_segmenter(path: Path, segmenter: Segmenter, config: SegmenterConfig) -> None:
    """Writes the file whole or not at all.

    Raises:
        ResultError: the folder cannot be written.
    """
    content = {
        "kind": config.kind,
        "options": {name: value for name, value in dataclasses.asdict(config).items() if name != "kind"},
        "class_names": list(segmenter.class_names),
        "mean": segmenter.mean.flatten().tolist(),
        "std": segmenter.std.flatten().tolist(),
        "trained_px": None if segmenter.trained_px is None else list(segmenter.trained_px),
        "weights": {name: value.contiguous() for name, value in segmenter.network.state_dict().items()},
    }
    write_marked(path, _FORMAT, content)


def load_checkpoint(path: Path) -> Segmenter:
    """The segmenter of a file, in evaluation mode; no code in the file is run.

    Raises:
        CheckpointError: the file is missing, damaged, or was not written by `save_segmenter`.
    """
    content = read_marked(path, _FORMAT, _SECOND_FORMAT, _FIRST_FORMAT)
    try:
        config = segmenter_config(*_kind_and_options(content))
        names, mean, std, weights = (content[key] for key in ("class_names", "mean", "std", "weights"))
        trained_px = content.get("trained_px")  # files of earlier versions do not say
        size = None if trained_px is None else (int(trained_px[0]), int(trained_px[1]))
        segmenter = Segmenter(config.build(len(names)), names, mean, std, size)
        _require_names(names, segmenter.network.state_dict(), weights, path)
        segmenter.network.load_state_dict(weights)
    except (KeyError, TypeError, AttributeError, ConfigError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: the checkpoint does not fit this version ({reason})") from error
    segmenter.eval()
    return segmenter.to(memory_format=torch.channels_last)


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint that `save_segmenter` wrote."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    @property
    def identity(self) -> str:
        """The hash of the file."""
        if not self.path.is_file():
            raise CheckpointError(
                f"{self.path}: no such checkpoint; train one with `ood_eval train --data DIR --out DIR`"
            )
        return file_hash(self.path)

    def load(self) -> Segmenter:
        """The segmenter of the file."""
        return load_checkpoint(self.path)

    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    def __str__(self) -> str:
        return str(self.path)


def _require_names(names: list[str], wanted: dict[str, Tensor], weights: dict[str, Tensor], path: Path) -> None:
    """Refuses weights of another number of logits than there are names.

    Raises:
        CheckpointError: the numbers differ.
    """
    for name, value in wanted.items():
        given = weights[name].shape if name in weights else value.shape
        if given != value.shape and given[1:] == value.shape[1:] and value.shape[:1] == (len(names),):
            raise CheckpointError(
                f"{path}: holds {len(names)} class names for the {given[0]} logits of its weights ({name}); one was "
                "written for another network than the other"
            )


def _kind_and_options(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if content["format"] != _FIRST_FORMAT:
        return content["kind"], content["options"]
    options = dict(content["network"])
    return options.pop("kind"), options

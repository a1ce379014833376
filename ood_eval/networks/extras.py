"""What some detectors need beside the segmenter: small networks of their own, each one file."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import torch

from ood_eval.errors import CheckpointError
from ood_eval.files import write_bytes
from ood_eval.networks.autoencoder import Autoencoder
from ood_eval.networks.checkpoint import read_marked
from ood_eval.networks.confidence_branch import ConfidenceBranch
from ood_eval.networks.dropout import dropout_layers
from ood_eval.networks.segmenter import Segmenter

# `confidence_branch` and `autoencoder` are trained; `dropout` is a property of the segmenter itself.
ExtraName = Literal["confidence_branch", "autoencoder", "dropout"]

_FORMAT: Final = "ood_eval extra 1"
_Network = TypeVar("_Network", ConfidenceBranch, Autoencoder)


@dataclass(frozen=True, slots=True)
class Extras:
    """The trained networks that detectors may use besides the segmenter; None where there is none."""

    confidence_branch: ConfidenceBranch | None = None
    autoencoder: Autoencoder | None = None

    def to(self, device: str | torch.device) -> Extras:
        """The same on a device."""
        branch, autoencoder = self.confidence_branch, self.autoencoder
        return Extras(branch and branch.to(device), autoencoder and autoencoder.to(device))

    def lacking(self, needed: Collection[ExtraName], segmenter: Segmenter) -> list[ExtraName]:
        """What of `needed` is neither here nor in the segmenter, in order of name."""
        at_hand: dict[ExtraName, bool] = {
            "confidence_branch": self.confidence_branch is not None,
            "autoencoder": self.autoencoder is not None,
            "dropout": bool(dropout_layers(segmenter.network)),
        }
        return sorted(name for name in needed if not at_hand[name])


def save_extra(path: Path, network: ConfidenceBranch | Autoencoder) -> None:
    """Writes an extra network whole or not at all.

    Raises:
        ResultError: the folder cannot be written.
    """
    shape: dict[str, Any]
    if isinstance(network, ConfidenceBranch):
        shape = {"width": network.width}
    else:
        shape = {"widths": list(network.widths), "code": network.code}
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    stream = io.BytesIO()
    torch.save({"format": _FORMAT, "kind": type(network).__name__, "shape": shape, "weights": weights}, stream)
    write_bytes(path, stream.getvalue())


def load_confidence_branch(path: Path) -> ConfidenceBranch:
    """The branch of a file, in evaluation mode.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    content = _content(path, ConfidenceBranch)
    return _filled(ConfidenceBranch(**content["shape"]), content, path)


def load_autoencoder(path: Path) -> Autoencoder:
    """The autoencoder of a file, in evaluation mode.

    Raises:
        CheckpointError: the file is missing, damaged, or holds something else.
    """
    content = _content(path, Autoencoder)
    return _filled(Autoencoder(**content["shape"]), content, path)


def _content(path: Path, kind: type) -> dict[str, Any]:
    content = read_marked(path, _FORMAT)
    if content.get("kind") != kind.__name__ or not isinstance(content.get("shape"), dict):
        raise CheckpointError(f"{path}: holds no {kind.__name__}; delete it and run again")
    return content


def _filled(network: _Network, content: dict[str, Any], path: Path) -> _Network:
    try:
        network.load_state_dict(content["weights"])
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: does not fit this version ({reason}); delete it and run again") from error
    network.eval()
    return network

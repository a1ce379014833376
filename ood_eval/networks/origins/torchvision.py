"""`torchvision:NAME`: a segmenter of torchvision, with weights of a file; nothing is downloaded."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import Tensor, nn

from ood_eval.errors import CheckpointError, ConfigError
from ood_eval.networks.origin import Opened, Wanted
from ood_eval.networks.state_dict import fill, read_state_dict, without_prefixes


def open_torchvision(rest: str, wanted: Wanted) -> Opened:
    """The network; its number of classes is that of the weights, or the user's, or torchvision's own.

    Without weights the network is random, which a remark says. Normalisation, and names where the number of classes is
    torchvision's own, are those of torchvision's weights.

    Raises:
        ConfigError: torchvision has no such segmenter, or its version is another.
        CheckpointError: the weights are missing, damaged or do not fit.
    """
    from torchvision import models

    names = models.list_models(module=models.segmentation)
    if rest not in names:
        near = difflib.get_close_matches(rest, names, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
        raise ConfigError(f"torchvision:{rest}: torchvision has no such segmenter; {hint}")
    published: Any = next(iter(models.get_model_weights(rest)))
    preset, categories = published.transforms(), tuple(published.meta["categories"])
    state: dict[str, Tensor] = {}
    remarks: tuple[str, ...] = (
        f"torchvision:{rest}: RANDOM weights, its scores mean nothing; a file goes by --weights",
    )
    if wanted.weights is not None:
        like = _built(rest, 2, meta=True).state_dict()
        state, remarks = without_prefixes(read_state_dict(wanted.weights), like, wanted.weights)
    classes = wanted.logits or (_classes_of(rest, state, wanted) if state else len(categories))
    network = _built(rest, classes, auxiliary=any(name.startswith("aux_") for name in state))
    if wanted.weights is not None:
        remarks += fill(network, state, wanted.weights, partial=wanted.partial)
    return Opened(
        network,
        categories if classes == len(categories) else (),
        tuple(preset.mean),
        tuple(preset.std),
        _features_layer(network),
        files=(wanted.weights,) if wanted.weights is not None else (),
        remarks=remarks,
    )


def _built(name: str, classes: int, *, auxiliary: bool = False, meta: bool = False) -> nn.Module:
    """A network with random weights, or without memory for any."""
    from torchvision import models

    given: dict[str, Any] = {"aux_loss": True} if auxiliary else {}
    with torch.device("meta" if meta else "cpu"):
        network: nn.Module = models.get_model(name, weights=None, weights_backbone=None, num_classes=classes, **given)
    return network


def _classes_of(name: str, state: dict[str, Tensor], wanted: Wanted) -> int:
    """The number of classes of a state dict: the length of a tensor whose shape depends on it."""
    two, three = (_built(name, classes, meta=True).state_dict() for classes in (2, 3))
    for key, value in two.items():
        if value.shape != three[key].shape and key in state:
            return len(state[key])
    raise CheckpointError(f"{wanted.weights}: holds no classifier of torchvision's {name}")


def _features_layer(network: nn.Module) -> str | None:
    """The last layer before the classifying convolution, where the head is a plain sequence."""
    head = getattr(network, "classifier", None)
    return f"classifier.{len(head) - 2}" if isinstance(head, nn.Sequential) and len(head) > 1 else None

"""A new segmenter from its configuration."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from ood_eval.errors import ConfigError
from ood_eval.networks.config import SegmenterConfig
from ood_eval.networks.segmenter import Segmenter
from ood_eval.networks.segmenters import SEGMENTERS


def build_segmenter(config: SegmenterConfig, class_names: Sequence[str], weights: str, seed: int) -> Segmenter:
    """A segmenter with seeded random weights and, where asked, trained ones.

    Args:
        config: kind and shape of the network.
        class_names: name of each logit channel.
        weights: `none`, `imagenet`, or a file; see `load_encoder_weights`.
        seed: of the random weights; torch's global generator is left as it was.

    Raises:
        ConfigError: the encoder or the weights are unknown.
        CheckpointError: the weights file is unusable.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = config.build(len(class_names))
    normalisation = config.load_weights(network, weights)
    segmenter = Segmenter(network, class_names, normalisation.mean, normalisation.std)
    return segmenter.to(memory_format=torch.channels_last)


def segmenter_config(kind: str, options: Mapping[str, Any], usual: Mapping[str, Any] | None = None) -> SegmenterConfig:
    """The configuration of a kind of segmenter, with its defaults changed by `usual`, and both by `options`.

    Args:
        kind: its name in `SEGMENTERS`.
        options: what the user asks for; each must be one of the kind's.
        usual: what the rest of a training goes with, taken as far as the kind has such options.

    Raises:
        ConfigError: the kind or an option is unknown, or an option cannot have this value.
    """
    if kind not in SEGMENTERS:
        near = difflib.get_close_matches(kind, SEGMENTERS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(SEGMENTERS)}"
        if ":" in kind:
            hint = "one that is trained elsewhere is scored by `ood_eval run`, not trained here"
        raise ConfigError(f"unknown segmenter {kind!r}; {hint}")
    maker = SEGMENTERS[kind]
    names = [field.name for field in dataclasses.fields(maker) if field.name != "kind"]
    if unknown := sorted(set(options) - set(names)):
        raise ConfigError(f"segmenter {kind}: unknown option {unknown[0]!r}; it takes {', '.join(names)}")
    taken = {name: value for name, value in (usual or {}).items() if name in names}
    try:
        return TypeAdapter(maker).validate_python({"kind": kind, **taken, **options})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"segmenter {kind}: {where}: {first['msg']}") from error

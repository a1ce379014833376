"""A new segmenter from its configuration."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ood_eval.networks.encoder_weights import load_encoder_weights
from ood_eval.networks.pspnet import PyramidConfig, PyramidNetwork
from ood_eval.networks.segmenter import Segmenter


def build_segmenter(config: PyramidConfig, class_names: Sequence[str], weights: str, seed: int) -> Segmenter:
    """A segmenter with seeded random weights and, where asked, a trained encoder.

    Args:
        config: shape of the network.
        class_names: name of each logit channel.
        weights: `none`, `imagenet`, or a file; see `load_encoder_weights`.
        seed: of the random weights; torch's global generator is left as it was.

    Raises:
        ConfigError: the encoder or the weights are unknown.
        CheckpointError: the weights file is unusable.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PyramidNetwork(config, len(class_names))
    normalisation = load_encoder_weights(network.encoder, config.encoder, weights)
    segmenter = Segmenter(network, class_names, normalisation.mean, normalisation.std)
    return segmenter.to(memory_format=torch.channels_last)

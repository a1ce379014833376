"""Segmenters by kind: what a checkpoint or a user names, and the configuration that builds it."""

from typing import Final

from ood_eval.networks.config import SegmenterConfig
from ood_eval.networks.segmenters.pspnet import PyramidConfig

SEGMENTERS: Final[dict[str, type[SegmenterConfig]]] = {
    "pspnet": PyramidConfig,
    "pspnet_short": PyramidConfig,
}

__all__ = ["SEGMENTERS"]

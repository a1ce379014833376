"""Segmenters."""

from ood_eval.networks.build import build_segmenter
from ood_eval.networks.checkpoint import load_segmenter, save_segmenter
from ood_eval.networks.extras import ExtraName, Extras
from ood_eval.networks.forward import Forward, SegOutput, images_from_rgb
from ood_eval.networks.pspnet import PyramidConfig
from ood_eval.networks.segmenter import Segmenter

__all__ = [
    "ExtraName",
    "Extras",
    "Forward",
    "PyramidConfig",
    "SegOutput",
    "Segmenter",
    "build_segmenter",
    "images_from_rgb",
    "load_segmenter",
    "save_segmenter",
]

"""Segmenters."""

from ood_eval.models.build import build_segmenter
from ood_eval.models.checkpoint import load_segmenter, save_segmenter
from ood_eval.models.extras import ExtraName, Extras
from ood_eval.models.forward import Forward, SegOutput, images_from_rgb
from ood_eval.models.pspnet import PyramidConfig
from ood_eval.models.segmenter import Segmenter

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

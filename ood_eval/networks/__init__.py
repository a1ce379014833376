"""Networks, what they predict, and their files."""

from ood_eval.networks.build import build_segmenter
from ood_eval.networks.checkpoint import load_segmenter, save_segmenter
from ood_eval.networks.prediction import Network, Prediction, Queries, Reading, Source, images_from_rgb
from ood_eval.networks.pspnet import PyramidConfig
from ood_eval.networks.segmenter import Segmenter

__all__ = [
    "Network",
    "Prediction",
    "PyramidConfig",
    "Queries",
    "Reading",
    "Segmenter",
    "Source",
    "build_segmenter",
    "images_from_rgb",
    "load_segmenter",
    "save_segmenter",
]

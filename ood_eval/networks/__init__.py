"""Networks, what they predict, and their files."""

from ood_eval.networks.build import build_segmenter, segmenter_config
from ood_eval.networks.checkpoint import CheckpointFile, save_segmenter
from ood_eval.networks.config import SegmenterConfig
from ood_eval.networks.load import Held, Named, load_segmenter, segmenter_origin
from ood_eval.networks.origin import Origin
from ood_eval.networks.prediction import Network, Prediction, Queries, Reading, Source, images_from_rgb
from ood_eval.networks.segmenter import Segmenter, feature_width
from ood_eval.networks.segmenters import SEGMENTERS
from ood_eval.networks.segmenters.pspnet import PyramidConfig

__all__ = [
    "SEGMENTERS",
    "CheckpointFile",
    "Held",
    "Named",
    "Network",
    "Origin",
    "Prediction",
    "PyramidConfig",
    "Queries",
    "Reading",
    "Segmenter",
    "SegmenterConfig",
    "Source",
    "build_segmenter",
    "feature_width",
    "images_from_rgb",
    "load_segmenter",
    "save_segmenter",
    "segmenter_config",
    "segmenter_origin",
]

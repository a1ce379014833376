"""Where segmenters that were not made here come from, by what stands before the colon; what is none is a module."""

from typing import Final

from ood_eval.networks.origin import Opener
from ood_eval.networks.origins.factory import open_factory
from ood_eval.networks.origins.hugging_face import open_hugging_face
from ood_eval.networks.origins.torchvision import open_torchvision

ORIGINS: Final[dict[str, Opener]] = {
    "torchvision": open_torchvision,
    "hf": open_hugging_face,
}

__all__ = ["ORIGINS", "open_factory"]

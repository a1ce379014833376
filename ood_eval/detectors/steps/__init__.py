"""Post-processing steps that can follow any detector."""

from typing import Final

from ood_eval.detectors.steps.blur import Blur
from ood_eval.detectors.steps.boundary import Boundary
from ood_eval.detectors.steps.flip import Flip
from ood_eval.detectors.steps.multiscale import MultiScale
from ood_eval.detectors.steps.smooth import Smooth
from ood_eval.detectors.steps.step import Step

STEPS: Final[dict[str, type[Step]]] = {
    "blur": Blur,
    "flip": Flip,
    "multiscale": MultiScale,
    "smooth": Smooth,
    "boundary": Boundary,
}

__all__ = ["STEPS", "Step"]

"""Background: posterior probability of the background class."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.msp import probability_of_others
from ood_eval.errors import DetectorError
from ood_eval.models.forward import Forward


class Background(Detector):
    """s = p_background.

    The paper says so in words; the released code returns the opposite sign, which `inverted` gives.

    Source: Hendrycks et al. 2022 section 5.1.

    Args:
        class_name: the class that holds everything else; it must be one the segmenter was trained with.
        inverted: True scores 1 - p_background.
    """

    def __init__(self, class_name: str = "unlabeled", *, inverted: bool = False) -> None:
        super().__init__()
        self.class_name, self.inverted = class_name, inverted

    def score_map(self, forward: Forward) -> Tensor:
        """[B,H,W] f32 in 0..1.

        Raises:
            DetectorError: the segmenter has no such class.
        """
        names = forward.segmenter.class_names
        if self.class_name not in names:
            raise DetectorError(f"background: the segmenter has no class {self.class_name!r}, only {', '.join(names)}")
        with torch.inference_mode():
            channel = names.index(self.class_name)
            if self.inverted:
                return probability_of_others(forward.log_probabilities, torch.full_like(forward.top[1], channel))
            return forward.log_probabilities[:, channel].exp()

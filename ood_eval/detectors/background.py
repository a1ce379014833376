"""Background: posterior odds of the background class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.errors import DetectorError
from ood_eval.networks.prediction import Network, Prediction
from ood_eval.networks.strips import by_strips

# Source: StreetHazards' class list, and BDD-Anomaly's of anomaly-seg, whose void is the class "background".
_USUAL: Final = ("unlabeled", "background")


class Background(Detector):
    """s = log(p_b / (1 - p_b)), the log-odds of the background class b.

    It orders as p_b does and has no ties next to 0 or 1. The paper says p_b in words; the released code returns the
    opposite sign, which `inverted` gives.

    Reads logits.

    Source: Hendrycks et al. 2022 section 5.1.

    Args:
        class_name: the class that holds everything else; it must be one the network was trained with. The first of
            "unlabeled" and "background" that it has, if not given.
        inverted: True scores the log-odds of 1 - p_b.
    """

    def __init__(self, class_name: str | None = None, *, inverted: bool = False) -> None:
        super().__init__()
        self.class_name, self.inverted = class_name, inverted

    def check_network(self, network: Network) -> None:
        """Refuses a network without the class.

        Raises:
            DetectorError: the network has no such class.
        """
        super().check_network(network)
        self._class_of(network.class_names)

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32, unbounded.

        Raises:
            DetectorError: the network has no such class.
        """
        names = prediction.class_names
        name = self._class_of(names)
        with torch.inference_mode():
            channel = names.index(name)
            others = [index for index in range(len(names)) if index != channel]
            (odds,) = by_strips(
                lambda logits: (logits[:, channel] - logits[:, others].logsumexp(dim=1),), prediction.logits
            )
            return -odds if self.inverted else odds

    def _class_of(self, names: Sequence[str]) -> str:
        wanted = _USUAL if self.class_name is None else (self.class_name,)
        found = next((name for name in wanted if name in names), None)
        if found is None:
            raise DetectorError(f"the network has no class {' or '.join(map(repr, wanted))}, only {', '.join(names)}")
        return found

"""kNN: distance of a feature to its k-th nearest neighbour among training features."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.feature_bank import FeatureBank
from ood_eval.errors import ConfigError, DetectorError
from ood_eval.networks.prediction import Prediction


class KNN(Detector):
    """s = distance of the normalised penultimate feature to its k-th nearest in a bank of training features.

    The bank is a seeded sample of at most `bank` features, to which each image offers `per_image`.

    Source: Sun et al. 2022 (https://arxiv.org/abs/2204.06507) section 3.

    Args:
        k: which neighbour.
        per_image: features kept of each image.
        bank: most features kept.
        seed: of the places.

    Raises:
        ConfigError: a count is below one.
    """

    title = "kNN"
    reads = frozenset({"features"})
    fit_split = "training"
    reads_labels = False

    def __init__(self, k: int = 10, per_image: int = 64, bank: int = 8192, seed: int = 0) -> None:
        super().__init__()
        if k < 1:
            raise ConfigError(f"knn: k must be at least 1, not {k}")
        self.k = k
        self._sample = FeatureBank(bank, per_image, seed)
        self.bank: Tensor = torch.zeros(0, 0)

    def observe(self, prediction: Prediction, labels: Tensor) -> None:  # noqa: ARG002
        """Offers the bank features; labels are not used."""
        self._sample.add(normalize(prediction.features, dim=1))

    def finish(self) -> None:
        """Takes the bank over.

        Raises:
            DetectorError: no feature was observed.
        """
        if len(self._sample.features) == 0:
            raise DetectorError("knn: saw no feature; its training split is empty")
        self.bank = self._sample.features
        super().finish()

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32 in 0..2."""
        with torch.inference_mode():
            features = normalize(prediction.features, dim=1)
            flat = features.movedim(1, -1).reshape(-1, features.shape[1])
            bank = self.bank.to(flat.device)
            nearest = [
                (part @ bank.T).topk(min(self.k, len(bank)), dim=1).values[:, -1] for part in torch.split(flat, 4096)
            ]
            distance = (2.0 - 2.0 * torch.cat(nearest)).clamp_min(0.0).sqrt()
            return prediction.at_logit_size(distance.reshape(len(features), 1, *features.shape[2:]))[:, 0]

    def state(self) -> dict[str, Tensor]:
        """The bank, [N,D] f32."""
        return {"bank": self.bank}

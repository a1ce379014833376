"""What detectors share that know a sample of training features."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.feature_bank import FeatureBank
from ood_eval.errors import DetectorError
from ood_eval.networks.prediction import Prediction


class SampledFeatures(Detector):
    """Scores penultimate features at their own stride by a sample of training features, then upsamples the scores.

    The sample alone is stored; whatever is derived of it is derived again, deterministically and in seconds. It is
    taken at seeded places, `per_image` features of each image at most, and labels are not looked at.

    Args:
        sample: most features in it.
        per_image: features offered by each training image.
        seed: of the sample.
        least: fewest features to score by.

    Raises:
        ConfigError: a count is below one.
    """

    reads = frozenset({"features"})
    fit_split = "training"
    reads_labels = False

    def __init__(self, sample: int, per_image: int, seed: int, least: int = 1) -> None:
        super().__init__()
        self._bank, self._least = FeatureBank(sample, per_image, seed), least
        self.sample: Tensor = torch.zeros(0, 0)

    def prepared(self, features: Tensor) -> Tensor:
        """Features [B,D,*s] f32 as they are sampled and scored; as they are, if not overridden."""
        return features

    @abstractmethod
    def prepare(self) -> None:
        """Derives from `sample` [N,D] f32 what scoring needs."""

    @abstractmethod
    def outlierness(self, features: Tensor) -> Tensor:
        """Scores [n] f32 of features [n,D] f32."""

    def observe(self, prediction: Prediction, labels: Tensor) -> None:  # noqa: ARG002
        """Offers the sample features."""
        self._bank.add(self.prepared(prediction.features))

    def finish(self) -> None:
        """Takes the sample over.

        Raises:
            DetectorError: too few features were observed.
        """
        self.sample = self._bank.features
        self._require()
        super().finish()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave."""
        super().restore(state)
        self._require()

    def state(self) -> dict[str, Tensor]:
        """The sample, [N,D] f32."""
        return {"sample": self.sample}

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32."""
        with torch.inference_mode():
            features = self.prepared(prediction.features)
            batch, width = features.shape[:2]
            # One image at a time: blocks of matrix products would otherwise depend on the batch.
            scores = [self.outlierness(one) for one in features.movedim(1, -1).reshape(batch, -1, width)]
            coarse = torch.stack(scores).view(batch, 1, *features.shape[2:])
            return prediction.at_logit_size(coarse)[:, 0]

    def _require(self) -> None:
        if len(self.sample) < self._least:
            raise DetectorError(
                f"{type(self).__name__} must see at least {self._least} features, not {len(self.sample)}; its training "
                "split is empty"
            )
        with torch.inference_mode():
            self.prepare()

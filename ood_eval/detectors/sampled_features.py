"""What scikit-learn's outlier detectors share: a sample of features to fit on, scores at feature stride."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ood_eval.detectors.detector import Detector
from ood_eval.detectors.feature_bank import FeatureBank
from ood_eval.errors import DetectorError
from ood_eval.networks.prediction import Prediction


class SklearnOutliers(Detector):
    """s = -score_samples of penultimate features, at feature stride, then upsampled to image size.

    The fitted estimator is not stored but its sample is; fitting is deterministic and takes seconds.

    Args:
        sample: most features that are fitted on.
        per_image: features offered by each training image.
        seed: of the sample, and of the estimator where it draws.
    """

    reads = frozenset({"features"})
    fit_split = "training"
    reads_labels = False

    def __init__(self, sample: int, per_image: int, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self._bank = FeatureBank(sample, per_image, seed)
        self.sample: Tensor = torch.zeros(0, 0)

    @abstractmethod
    def estimator(self, count: int) -> Any:  # noqa: ANN401
        """A new estimator with scikit-learn's `fit` and `score_samples`, for a sample of `count` features."""

    def observe(self, prediction: Prediction, labels: Tensor) -> None:  # noqa: ARG002
        """Offers the sample features; labels are not used."""
        self._bank.add(prediction.features)

    def finish(self) -> None:
        """Fits on the sample.

        Raises:
            DetectorError: fewer than two features were observed.
        """
        self.sample = self._bank.features
        self._fit()
        super().finish()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes over what `state` of a fitted detector gave, and fits on it again."""
        super().restore(state)
        self._fit()

    def score_map(self, prediction: Prediction) -> Tensor:
        """[B,*S] f32."""
        features = prediction.features
        batch, width = features.shape[:2]
        scores = []
        # One image at a time: the estimators' blocks of matrix products would otherwise depend on the batch.
        for one in features.movedim(1, -1).reshape(batch, -1, width).cpu().numpy():
            scores.append(-self._fitted.score_samples(one))  # noqa: PERF401
        coarse = torch.from_numpy(np.stack(scores).astype(np.float32)).reshape(batch, 1, *features.shape[2:])
        with torch.inference_mode():
            return prediction.at_logit_size(coarse.to(features.device))[:, 0]

    def state(self) -> dict[str, Tensor]:
        """The sample, [N,D] f32."""
        return {"sample": self.sample}

    def _fit(self) -> None:
        if len(self.sample) < 2:
            raise DetectorError(f"{type(self).__name__} must see at least two features; its training split is empty")
        self._fitted = self.estimator(len(self.sample))
        self._fitted.fit(self.sample.numpy())

"""LOF: how much sparser a feature lies than its neighbours do."""

from __future__ import annotations

from typing import Any

from ood_eval.detectors.sklearn_outliers import SklearnOutliers
from ood_eval.errors import ConfigError


class LOF(SklearnOutliers):
    """s = mean over the k nearest sampled features o of lrd(o) / lrd(f), lrd the local reachability density.

    Brute force: a score costs one distance to every sampled feature, so the sample is small.

    Source: Breunig et al. 2000 (https://doi.org/10.1145/335191.335388) definition 7; Hendrycks et al. 2022 section 4
    (penultimate features, 20 neighbours).

    Args:
        neighbours: k.
        sample: most features that are neighbours.
        per_image: features offered by each training image.
        seed: of the sample.

    Raises:
        ConfigError: fewer than one neighbour.
    """

    def __init__(self, neighbours: int = 20, sample: int = 8192, per_image: int = 64, seed: int = 0) -> None:
        super().__init__(sample, per_image, seed)
        if neighbours < 1:
            raise ConfigError(f"lof: needs at least 1 neighbour, not {neighbours}")
        self.neighbours = neighbours

    def estimator(self, count: int) -> Any:  # noqa: ANN401
        """The local outlier factor for features it was not fitted on."""
        from sklearn.neighbors import LocalOutlierFactor

        return LocalOutlierFactor(n_neighbors=min(self.neighbours, count - 1), novelty=True)

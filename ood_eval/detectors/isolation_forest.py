"""Isolation forest: how few random cuts set a feature apart."""

from __future__ import annotations

from typing import Any

from ood_eval.detectors.sklearn_outliers import SklearnOutliers
from ood_eval.errors import ConfigError


class IsolationForest(SklearnOutliers):
    """s = 2^(-E[h(f)] / c(n)), h the depth at which a tree of random cuts isolates the penultimate feature f.

    Settings are scikit-learn's: 100 trees of 256 features each.

    Source: Liu et al. 2008 (https://doi.org/10.1109/ICDM.2008.17) equation 2; Hendrycks et al. 2022 section 4
    (penultimate features).

    Args:
        sample: most features that the trees draw from.
        per_image: features offered by each training image.
        trees: how many.
        seed: of the sample and the cuts.

    Raises:
        ConfigError: a count is below one.
    """

    title = "Isolation Forest"

    def __init__(self, sample: int = 20_000, per_image: int = 256, trees: int = 100, seed: int = 0) -> None:
        super().__init__(sample, per_image, seed)
        if trees < 1:
            raise ConfigError(f"isolation_forest: needs at least 1 tree, not {trees}")
        self.trees = trees

    def estimator(self, count: int) -> Any:  # noqa: ANN401
        """The forest."""
        from sklearn.ensemble import IsolationForest as Forest

        return Forest(n_estimators=self.trees, max_samples=min(256, count), random_state=self.seed)

"""Isolation forest: how few random cuts set a feature apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ood_eval.detectors.sampled_features import SampledFeatures
from ood_eval.errors import ConfigError


class IsolationForest(SampledFeatures):
    """s = 2^(-E[h(f)] / c(n)), h the depth at which a tree of random cuts isolates the penultimate feature f.

    Settings are scikit-learn's: 100 trees of 256 features each. Reads features, and the training split before.

    Source: Liu et al. 2008 (https://doi.org/10.1109/ICDM.2008.17) equation 2; Hendrycks et al. 2022 section 4
    (penultimate features).

    Args:
        sample: most features that the trees draw from.
        per_image: features that each training image offers to the sample.
        trees: how many.
        seed: of the sample and the cuts.

    Raises:
        ConfigError: a count is below one.
    """

    title = "Isolation Forest"

    def __init__(self, sample: int = 20_000, per_image: int = 256, trees: int = 100, seed: int = 0) -> None:
        super().__init__(sample, per_image, seed, least=2)
        if trees < 1:
            raise ConfigError(f"isolation_forest: needs at least 1 tree, not {trees}")
        self.trees, self.seed = trees, seed
        self._trees: list[tuple[Any, NDArray[np.float64]]] = []

    def prepare(self) -> None:
        """Grows the forest, and notes the depth of every leaf."""
        from sklearn.ensemble import IsolationForest as Forest

        size = min(256, len(self.sample))
        forest = Forest(n_estimators=self.trees, max_samples=size, random_state=self.seed).fit(self.sample.numpy())
        # Trees are asked directly: the forest's own `score_samples` takes three times as long.
        grown = [one.tree_ for one in forest.estimators_]
        self._trees = [(tree, _depths(tree) / _mean_depth(np.array([size]))) for tree in grown]

    def outlierness(self, features: Tensor) -> Tensor:
        """Scores [n] f32 in 0..1."""
        values = np.ascontiguousarray(features.cpu().numpy())
        shares = np.zeros(len(values))
        for tree, depths in self._trees:
            shares += depths[tree.apply(values)]
        return torch.from_numpy(np.exp2(-shares / len(self._trees)).astype(np.float32)).to(features.device)


def _depths(tree: Any) -> NDArray[np.float64]:  # noqa: ANN401
    """Depth of every node of a scikit-learn tree, with what the features left in it would go on to on average, f64."""
    depths = np.zeros(tree.node_count)
    # Children come after their parents.
    for node, (left, right) in enumerate(zip(tree.children_left, tree.children_right, strict=True)):
        if left >= 0:
            depths[[left, right]] = depths[node] + 1.0
    return depths + _mean_depth(tree.n_node_samples)


def _mean_depth(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """c(n): mean depth at which a search in a binary tree of n values fails.

    Source: Liu et al. 2008 equation 1.
    """
    many = np.maximum(counts, 3).astype(float)
    harmonic = np.log(many - 1.0) + np.euler_gamma
    return np.select([counts <= 1, counts == 2], [0.0, 1.0], 2.0 * harmonic - 2.0 * (many - 1.0) / many)

"""Neighbours by groups and blocks are the neighbours; LOF and the forest are scikit-learn's on many features."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import IsolationForest as Forest
from sklearn.neighbors import LocalOutlierFactor
from torch import Tensor

from ood_eval.detectors import Detector
from ood_eval.detectors.isolation_forest import IsolationForest
from ood_eval.detectors.knn import KNN
from ood_eval.detectors.lof import LOF
from ood_eval.detectors.neighbours import largest, largest_products
from ood_eval.networks import Prediction


@pytest.mark.parametrize(("columns", "count"), [(1024, 10), (1024, 20), (1001, 10), (64, 3), (7, 7)])
def test_the_largest_by_groups_are_those_of_topk(columns: int, count: int) -> None:
    random = torch.Generator().manual_seed(0)
    values = torch.randn(300, columns, generator=random)
    values[:50] = values[:50].round()  # many equals
    values[50, :] = 1.0
    found, places = largest(values, count)
    assert torch.equal(found, values.topk(count, dim=1).values)
    assert torch.equal(values.gather(1, places), found)
    assert all(len(set(row)) == count for row in places.tolist())


def test_products_are_taken_in_blocks_with_offsets() -> None:
    random = torch.Generator().manual_seed(0)
    features, bank = torch.randn(700, 12, generator=random), torch.randn(512, 12, generator=random)
    offsets = torch.randn(512, generator=random)
    values, places = largest_products(features, bank, 4, offsets)
    plain = (features.double() @ bank.double().T + offsets.double()).topk(4, dim=1)
    torch.testing.assert_close(values.double(), plain.values, rtol=1e-5, atol=1e-5)
    assert torch.equal(places, plain.indices)


def _clouds() -> tuple[Prediction, Prediction]:
    """Features of two clouds far from the origin, to be sampled, and some from in and around them."""
    random = np.random.default_rng(0)

    def predicted(count: int, spread: float) -> Prediction:
        features = random.normal(size=(1, 16, count, 8)) * spread + 40.0 + 5.0 * (random.random((1, 1, count, 8)) < 0.5)
        return Prediction(torch.zeros(1, 2, count, 8), torch.from_numpy(features).float())

    return predicted(256, 1.0), predicted(50, 2.0)


def _scores(detector: Detector, seen: Prediction, asked: Prediction) -> np.ndarray:
    detector.observe(seen, torch.zeros(1, *seen.size, dtype=torch.uint8))
    detector.finish()
    return detector.score(asked).numpy().reshape(-1).astype(np.float64)


def _rows(features: Tensor) -> np.ndarray:
    return features.movedim(1, -1).reshape(-1, features.shape[1]).double().numpy()


def test_lof_is_scikit_learns() -> None:
    seen, asked = _clouds()
    detector = LOF(neighbours=20, sample=2048, per_image=2048)
    found = _scores(detector, seen, asked)
    peer = LocalOutlierFactor(n_neighbors=20, novelty=True, algorithm="brute")
    peer.fit(detector.state()["sample"].double().numpy())
    np.testing.assert_allclose(found, -peer.score_samples(_rows(asked.features)), rtol=1e-4)
    assert found.max() > 1.2


def test_the_forest_is_scikit_learns() -> None:
    seen, asked = _clouds()
    detector = IsolationForest(trees=30, sample=2048, per_image=2048, seed=3)
    found = _scores(detector, seen, asked)
    peer = Forest(n_estimators=30, max_samples=256, random_state=3).fit(detector.state()["sample"].numpy())
    np.testing.assert_allclose(found, -peer.score_samples(_rows(asked.features).astype(np.float32)), rtol=1e-6)


def test_a_bank_of_fewer_than_k_features_takes_the_farthest() -> None:
    seen, asked = _clouds()
    few, all_of_them = KNN(k=10, bank=3), KNN(k=3, bank=3)
    np.testing.assert_array_equal(_scores(few, seen, asked), _scores(all_of_them, seen, asked))

"""What training sees and how pictures are averaged: recolouring, shares of processes, zoom; networks over scales."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ood_eval.networks import Prediction, Queries
from ood_eval.networks.averaged import AveragedNetwork, resized
from ood_eval.training import Recipe
from ood_eval.training.augment import random_view
from ood_eval.training.views import EpochOrder

NAMES = ("a", "b")


class Mean:
    """Logits of the pixel's brightness, features at half size, and queries."""

    class_names = NAMES
    gives = frozenset({"logits", "map", "features", "queries", "images", "network"})

    def predict(self, images: Tensor, size: tuple[int, int] | None = None) -> Prediction:
        bright = images.float().mean(1, keepdim=True) / 255.0
        logits = torch.cat([bright, 1.0 - bright], dim=1)
        size = size if size is not None else images.shape[2:]
        half = interpolate(logits, scale_factor=0.5, mode="nearest")
        queries = Queries(torch.zeros(len(images), 1, 3), logits[:, :1])
        return Prediction(interpolate(logits, size=size, mode="bilinear"), half, queries, NAMES)


def test_an_average_is_that_of_each_scale_and_gives_no_more_than_can_be_averaged() -> None:
    images = torch.randint(0, 256, (2, 3, 16, 24), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    network = AveragedNetwork(Mean(), (0.5, 1.0), "logits")
    found, (small, plain) = (
        Prediction.of(network, images),
        [Mean().predict(resized(images, scale), (16, 24)) for scale in (0.5, 1.0)],
    )
    torch.testing.assert_close(found.logits, (small.logits + plain.logits) / 2)
    wide = interpolate(small.features, size=(8, 12), mode="bilinear")
    torch.testing.assert_close(found.features, (wide + plain.features) / 2)
    assert found.gives == {"logits", "map", "features", "images"}
    probabilities = Prediction.of(AveragedNetwork(Mean(), (0.5, 1.0), "probabilities"), images)
    expected = (small.logits.softmax(1) + plain.logits.softmax(1)) / 2
    torch.testing.assert_close(probabilities.log_probabilities.exp(), expected)


@pytest.mark.parametrize("zoom", [0.5, 1.0, 1.5])
def test_labels_are_zoomed_to_the_nearest_and_never_mixed(zoom: float) -> None:
    classes = np.kron(np.array([[0, 12], [255, 3]], dtype=np.uint8), np.ones((20, 30), dtype=np.uint8))
    image = np.repeat(classes[..., None], 3, axis=2)
    _, labels = random_view(image, classes, zoom, Recipe(flip=False), np.random.default_rng(0))
    assert labels.shape == (round(40 * zoom), round(60 * zoom))
    assert set(np.unique(labels)) == {0, 3, 12, 255}


def test_colour_changes_by_no_more_than_asked_and_leaves_labels() -> None:
    image, classes = np.full((8, 8, 3), 100, dtype=np.uint8), np.zeros((8, 8), dtype=np.uint8)
    seen = []
    for seed in range(30):
        view, labels = random_view(image, classes, 1.0, Recipe(colour=0.2), np.random.default_rng(seed))
        assert not labels.any()
        seen.append(float(view.mean()))
    # A grey picture changes by brightness alone.
    assert 79.0 <= min(seen) < 95.0
    assert 105.0 < max(seen) <= 120.0


def test_processes_share_every_batch_out_between_them() -> None:
    whole, shared = EpochOrder(10, 4, seed=1), EpochOrder(10, 4, seed=1, processes=2)
    for order in (whole, shared):
        order.set_epoch(2)
    parts = [list(shared.part(rank)) for rank in (0, 1)]
    assert [len(part) for part in parts] == [len(shared)] * 2
    for step in range(3):
        together = [item for part in parts for item in part if item[1] == step]
        assert sorted(together) == sorted(item for item in whole if item[1] == step)
        assert len(together) == 4

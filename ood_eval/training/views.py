"""A training split as torch sees it: views that depend on (seed, epoch, step, index) only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ood_eval.datasets.sample import SegDataset
from ood_eval.errors import DataError
from ood_eval.training.augment import random_view
from ood_eval.training.recipe import Recipe

# (epoch, step, index): with the seed, all that a view depends on, in any process and after any interruption.
Item = tuple[int, int, int]


class Views(Dataset[tuple[Tensor, Tensor]]):
    """Image [3,h,w] u8 and train ids [h,w] u8 of item (epoch, step, index).

    Without a crop the zoom is drawn per step, so that the images of a batch have one size.
    """

    def __init__(self, split: SegDataset, recipe: Recipe, seed: int) -> None:
        self._split, self._recipe, self._seed = split, recipe, seed

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, item: Item) -> tuple[Tensor, Tensor]:
        epoch, step, index = item
        sample = self._split[index]
        if sample.classes is None:
            raise DataError(f"sample {sample.id} of {self._split.name} has no class labels to train on")
        rng = np.random.default_rng([self._seed, 1, epoch, step, index])
        zoom_rng = rng if self._recipe.crop_px is not None else np.random.default_rng([self._seed, 2, epoch, step])
        zoom = float(zoom_rng.uniform(*self._recipe.scale))
        image, classes = random_view(sample.image, sample.classes, zoom, self._recipe, rng)
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(classes)


def stacked(views: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """A batch of views: images [B,3,h,w] u8 and train ids [B,h,w] u8.

    Raises:
        DataError: the views differ in size.
    """
    sizes = sorted({tuple(classes.shape) for _, classes in views})
    if len(sizes) > 1:
        raise DataError(f"images of one batch have sizes {sizes[0]} and {sizes[-1]}; the recipe needs a crop_px")
    return torch.stack([image for image, _ in views]), torch.stack([classes for _, classes in views])


class EpochOrder(Sampler[Item]):
    """A permutation of the split per epoch, from (seed, epoch); Lightning tells it the epoch.

    The order is padded to whole batches from its own start, so that no image is left out and every step is full.
    Processes that train together each take their own part of every batch.

    Args:
        count: images.
        batch_size: of all processes together, a multiple of their number.
        seed: of the permutations.
        processes: how many train together.
    """

    def __init__(self, count: int, batch_size: int, seed: int, processes: int = 1) -> None:
        self._count, self._batch_size, self._seed, self._epoch = count, batch_size, seed, 0
        self._length = -(-count // batch_size) * batch_size
        self._processes = processes

    def set_epoch(self, epoch: int) -> None:
        """Chooses the permutation of the next pass."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length // self._processes

    def __iter__(self) -> Iterator[Item]:
        return self.part(torch.distributed.get_rank() if self._processes > 1 else 0)

    def part(self, rank: int) -> Iterator[Item]:
        """What one of the processes sees in this epoch."""
        order = np.random.default_rng([self._seed, 0, self._epoch]).permutation(self._count)
        own = self._batch_size // self._processes
        places = enumerate(np.resize(order, self._length))
        return (
            (self._epoch, place // self._batch_size, int(index))
            for place, index in places
            if place % self._batch_size // own == rank
        )

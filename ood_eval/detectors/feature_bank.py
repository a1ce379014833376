"""A bounded random sample of penultimate features."""

from __future__ import annotations

import torch
from torch import Tensor

from ood_eval.errors import ConfigError


class FeatureBank:
    """A uniform sample of `size` features out of all that were offered, `per_image` of each image at seeded places.

    Each feature draws a priority and the lowest stay, so memory does not grow with the number of images.

    Source: Vitter 1985 section 2 (reservoir sampling), with priorities as Efraimidis and Spirakis 2006 have them.

    Args:
        size: most features kept.
        per_image: features offered by each image.
        seed: of places and priorities.

    Raises:
        ConfigError: a count is below one.
    """

    def __init__(self, size: int, per_image: int, seed: int) -> None:
        if min(size, per_image) < 1:
            raise ConfigError(f"a sample of features needs at least 1 in all and per image, not {size}, {per_image}")
        self._size, self._per_image = size, per_image
        self._random = torch.Generator().manual_seed(seed)
        self._priorities = torch.zeros(0)
        self.features = torch.zeros(0, 0)

    def add(self, features: Tensor) -> None:
        """Offers features [B,D,*s] f32."""
        for one in features.reshape(*features.shape[:2], -1).transpose(1, 2):
            places = torch.randperm(len(one), generator=self._random)[: self._per_image]
            priorities = torch.cat([self._priorities, torch.rand(len(places), generator=self._random)])
            chosen = one[places.to(one.device)].cpu()
            rows = torch.cat([self.features, chosen]) if len(self._priorities) else chosen
            if len(priorities) > self._size:
                kept = priorities.topk(self._size, largest=False).indices.sort().values
                priorities, rows = priorities[kept], rows[kept]
            self._priorities, self.features = priorities, rows

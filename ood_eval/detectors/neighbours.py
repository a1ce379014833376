"""The nearest features of a bank, by blocks of a matrix product."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

# Features whose products are in the cache together.
_ROWS: Final = 256
# Columns of which the largest alone is looked at first.
_GROUP: Final = 8


def largest_products(
    features: Tensor, bank: Tensor, count: int, offsets: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The largest of f . b + offset over the features b of a bank, for each feature f, in descending order.

    Args:
        features: [n,D].
        bank: [N,D], of the same dtype.
        count: how many, at most N.
        offsets: [N], nothing if not given.

    Returns:
        The values [n,count], and the places in the bank [n,count] i64.
    """
    across = bank.T.contiguous()
    values, places = [], []
    for part in torch.split(features, _ROWS):
        products = part @ across if offsets is None else torch.addmm(offsets, part, across)
        found = largest(products, count)
        values.append(found[0])
        places.append(found[1])
    return torch.cat(values), torch.cat(places)


def largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of each row of [n,N] in descending order, and their columns i64, as torch's `topk`.

    The columns are looked at in groups: the largest `count` values are all within the `count` groups of the largest
    maxima, and maxima of groups are found many times as fast as the largest values.
    """
    rows, columns = values.shape
    groups = columns // _GROUP
    if groups * _GROUP != columns or groups < 4 * count:
        found = values.topk(count, dim=1)
        return found.values, found.indices
    chosen = values.view(rows, _GROUP, groups).amax(dim=1).topk(count, dim=1, sorted=False).indices
    members = groups * torch.arange(_GROUP, device=values.device)
    places = (chosen[:, :, None] + members).view(rows, count * _GROUP)
    found = values.gather(1, places).topk(count, dim=1)
    return found.values, places.gather(1, found.indices)

"""Smoothing score maps by a Gaussian, dense or dilated."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ood_eval.errors import ConfigError


def check_gaussian(size: int, sigma: float, dilation: int = 1) -> None:
    """Refuses what is no kernel.

    Raises:
        ConfigError: the size is even or below one, sigma is not above zero, or the dilation is below one.
    """
    if isinstance(size, float) or size < 1 or size % 2 == 0 or not sigma > 0 or dilation < 1:
        raise ConfigError(
            f"a smoothing kernel has an odd size and sigma above 0, not ({size:g},{sigma:g},{dilation:g})"
        )


def gaussian_smooth(maps: Tensor, size: int, sigma: float, dilation: int = 1) -> Tensor:
    """Score maps [B,*S] f32 under a normalised size x size Gaussian; edges are replicated.

    Args:
        maps: what is smoothed.
        size: taps in each direction, odd.
        sigma: in taps.
        dilation: pixels from tap to tap.
    """
    taps = torch.arange(size, dtype=torch.float32) - size // 2
    weights = torch.exp(-0.5 * (taps / sigma).square())
    weights = weights / weights.sum()
    reach = size // 2 * dilation
    found = pad(maps[:, None], (reach, reach, reach, reach), mode="replicate")[:, 0]
    for axis in (2, 1):
        moved = [found.narrow(axis, tap * dilation, found.shape[axis] - 2 * reach) for tap in range(size)]
        # Sums of moved maps: a convolution of one channel is not vectorised.
        found = float(weights[0]) * moved[0]
        for weight, values in zip(weights.tolist()[1:], moved[1:], strict=True):
            found.add_(values, alpha=weight)
    return found

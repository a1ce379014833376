"""What is read off a softmax: computed together, in one pass over the logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ood_eval.networks.strips import by_strips


@dataclass(frozen=True, slots=True, eq=False)
class Softmax:
    """Three numbers of a softmax p over K logits z, each [B,*S] f32.

    Args:
        log_sum: log sum_c exp z_c.
        others: 1 - max_c p_c, as the sum of the other probabilities: 1 - p is 0 in f32 once a logit leads by 17, the
            sum keeps its digits.
        entropy: -sum_c p_c log p_c, in nats.
    """

    log_sum: Tensor
    others: Tensor
    entropy: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> Softmax:
        """Of logits [B,K,*S] f32."""
        with torch.inference_mode():
            return cls(*by_strips(_read_off, logits))


def top(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Highest logit [B,*S] f32 and the first channel that has it [B,*S] i64, of logits [B,K,*S]."""
    with torch.inference_mode():
        values, channels = by_strips(_top, logits)
    return values, channels


def _read_off(logits: Tensor) -> tuple[Tensor, ...]:
    highest = logits.amax(dim=1, keepdim=True)
    gaps = logits - highest
    shares = gaps.exp()
    total = shares.sum(dim=1)
    # sum_c p_c (z_max - z_c): both terms of the entropy are at least 0, so that nothing cancels.
    spread = gaps.mul_(shares).sum(dim=1).div_(total).neg_()
    # One share of exactly 1 is the highest one's; whatever else is 1 belongs to the others.
    leads = shares == 1.0
    others = shares.masked_fill_(leads, 0.0).sum(dim=1).add_(leads.sum(dim=1) - 1).div_(total)
    log_total = total.log_()
    return log_total + highest[:, 0], others, spread.add_(log_total)


def _top(logits: Tensor) -> tuple[Tensor, ...]:
    highest = logits.amax(dim=1, keepdim=True)
    count = logits.shape[1]
    # Comparing and taking a maximum of small numbers is vectorised, looking for the place of a maximum is not.
    small = torch.uint8 if count < 256 else torch.int32
    ranks = torch.arange(count, 0, -1, dtype=small, device=logits.device).view(1, -1, *[1] * (logits.ndim - 2))
    first = count - ((logits == highest) * ranks).amax(dim=1).long()
    # Logits that are no numbers equal nothing.
    return highest[:, 0], first.clamp_max_(count - 1)

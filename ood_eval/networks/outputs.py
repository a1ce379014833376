"""What a stranger's network returns, to logits and queries; whatever it is, it is recognised or named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from ood_eval.errors import NetworkError
from ood_eval.networks.prediction import Queries

_LOGITS: Final = ("logits", "out")
# Class and mask queries, as transformers' mask networks name them.
_QUERIES: Final = ("class_queries_logits", "masks_queries_logits")


def logits_of(output: Any, name: str) -> tuple[Tensor, Queries | None]:  # noqa: ANN401
    """Logits [B,K,h,w] f32, and the queries [B,Q,K+1], [B,Q,h,w] f32 of a mask transformer.

    A tensor is the logits; of a tuple or list the first item is; of anything else what it calls `logits` or `out`.
    Of a mask transformer, which has no logits, each class's sum over queries of class probability times mask
    probability takes their place, at the masks' size: its "semantic inference".

    Source: Cheng et al. 2021 (MaskFormer, https://arxiv.org/abs/2107.06278) section 3.4.

    Args:
        output: what the network returned.
        name: of the network, for messages.

    Raises:
        NetworkError: there are no logits in it, or they are no [B,K,h,w] of numbers with at least two classes.
    """
    classes, masks = (_named(output, key) for key in _QUERIES)
    if isinstance(classes, Tensor) and isinstance(masks, Tensor):
        queries = Queries(classes.float(), masks.float())
        shares = queries.classes.softmax(dim=2)[..., :-1]
        return torch.einsum("bqk,bqhw->bkhw", shares, queries.masks.sigmoid()), queries
    logits = output
    if isinstance(output, (tuple, list)) and output:
        logits = output[0]
    elif not isinstance(output, Tensor):
        logits = next((value for key in _LOGITS if (value := _named(output, key)) is not None), None)
    if not isinstance(logits, Tensor):
        raise NetworkError(
            f"{name} returns {_told(output)}; wanted are logits [B,K,h,w]: a tensor, the first item of a tuple, or "
            "`logits` or `out` of anything else"
        )
    if logits.ndim != 4 or not logits.is_floating_point() or logits.shape[1] < 2:
        raise NetworkError(
            f"{name} returns {_told(logits)}; wanted are logits [B,K,h,w] of K classes, at least two, before any argmax"
        )
    return logits.float(), None


def _named(output: Any, key: str) -> Any:  # noqa: ANN401
    if isinstance(output, Mapping):
        return output.get(key)
    return None if isinstance(output, (Tensor, tuple, list)) else getattr(output, key, None)


def _told(output: object) -> str:
    if isinstance(output, Tensor):
        return f"a tensor {list(output.shape)} of {output.dtype}"
    if isinstance(output, (tuple, list)):
        return f"a {type(output).__name__} that begins with {_told(output[0])}" if output else "nothing"
    if isinstance(output, Mapping):
        return f"a {type(output).__name__} of {', '.join(map(str, output)) or 'nothing'}"
    return f"a {type(output).__name__}"

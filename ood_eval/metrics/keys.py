"""Float32 scores as unsigned integers of the same order, so that ranking is sorting and counting."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.data.sample import VOID
from ood_eval.errors import DetectorError

_SIGN: Final = np.uint32(0x8000_0000)


def order_keys(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Keys [N] u32 with key(a) < key(b) exactly when a < b; both zeros share one key.

    Raises:
        DetectorError: a score is not finite, or the array is not float32.
    """
    if scores.dtype != np.float32:
        raise DetectorError(f"scores are {scores.dtype}; detectors return float32")
    if not np.isfinite(scores).all():
        raise DetectorError("scores hold NaN or infinity; a detector must return finite numbers")
    bits = (scores.reshape(-1) + np.float32(0.0)).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def scores_of_keys(keys: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The scores that `order_keys` maps to these keys."""
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).astype(np.uint32).view(np.float32)


def counted(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Keys and anomaly flags of the pixels that are not void, both [N].

    Raises:
        DetectorError: shapes differ, or scores are not finite float32.
    """
    if scores.shape != anomaly.shape:
        raise DetectorError(f"a score map of shape {scores.shape} for an anomaly map of shape {anomaly.shape}")
    keys, flags = order_keys(scores), anomaly.reshape(-1)
    if (flags == VOID).any():
        keep = flags != VOID
        keys, flags = keys[keep], flags[keep]
    return keys, flags == 1

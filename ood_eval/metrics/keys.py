"""Float32 scores as unsigned integers of the same order, so that ranking is sorting and counting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.datasets.sample import ANOMALY, VOID
from ood_eval.errors import DetectorError

_SIGN: Final = np.uint32(0x8000_0000)
_NOT_FINITE: Final = 0x7F80_0000
_PIECE: Final = 1 << 15
_FINITE: Final = "scores hold NaN or infinity; a detector must return finite numbers"


def order_keys(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Keys [N] u32 with key(a) < key(b) exactly when a < b; both zeros share one key.

    Raises:
        DetectorError: a score is not finite, or the array is not float32.
    """
    if scores.dtype != np.float32:
        raise DetectorError(f"scores are {scores.dtype}; detectors return float32")
    if not np.isfinite(scores).all():
        raise DetectorError(_FINITE)
    bits = (scores.reshape(-1) + np.float32(0.0)).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def bins_of(scores: NDArray[np.float32], anomaly: NDArray[np.uint8], bits: int) -> Iterator[NDArray[np.intp]]:
    """Indices `2 * bin + flag` of the pixels that are not void, by pieces that stay in a core's cache.

    A bin is the top `bits` bits of a score's order key, the flag is 1 for an anomaly. Memory does not depend on the
    size of the map.

    Raises:
        DetectorError: shapes differ, or scores are not finite float32.
    """
    _check_pair(scores, anomaly)
    flat, flags = scores.reshape(-1), anomaly.reshape(-1)
    for start in range(0, flat.size, _PIECE):
        piece, flag = flat[start : start + _PIECE] + np.float32(0.0), flags[start : start + _PIECE]
        raw = piece.view(np.int32)
        if int((raw & np.int32(0x7FFF_FFFF)).max()) >= _NOT_FINITE:
            raise DetectorError(_FINITE)
        # An arithmetic shift gives all ones for negative scores, whose bits are all flipped; of others, the sign alone.
        keys = ((raw >> 31) | np.int32(-0x8000_0000)) ^ raw
        index = ((keys.view(np.uint32) >> np.uint32(32 - bits)) << np.uint32(1)) | (flag == ANOMALY)
        if int(flag.max()) == VOID:
            index = index[flag != VOID]
        yield index.astype(np.intp)


def scores_of_keys(keys: NDArray[np.uint32]) -> NDArray[np.float32]:
    """The scores that `order_keys` maps to these keys."""
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).astype(np.uint32).view(np.float32)


def counted(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Keys and anomaly flags of the pixels that are not void, both [N].

    Raises:
        DetectorError: shapes differ, or scores are not finite float32.
    """
    _check_pair(scores, anomaly)
    keys, flags = order_keys(scores), anomaly.reshape(-1)
    if (flags == VOID).any():
        keep = flags != VOID
        keys, flags = keys[keep], flags[keep]
    return keys, flags == ANOMALY


def _check_pair(scores: NDArray[np.float32], anomaly: NDArray[np.uint8]) -> None:
    if scores.dtype != np.float32:
        raise DetectorError(f"scores are {scores.dtype}; detectors return float32")
    if scores.shape != anomaly.shape:
        raise DetectorError(f"a score map of shape {scores.shape} for an anomaly map of shape {anomaly.shape}")

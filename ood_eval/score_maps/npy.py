"""`npy`: one array, as numpy saves it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.score_maps.map_format import MapFormat


def _bytes_of(scores: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, scores, allow_pickle=False)
    return stream.getvalue()


def _read(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
    if not isinstance(found, np.ndarray):
        raise ValueError("holds several arrays")  # noqa: TRY004
    return found


FORMAT: Final = MapFormat(".npy", _bytes_of, _read)

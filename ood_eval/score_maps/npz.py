"""`npz`: an array named `scores`, compressed; of others' files the only array, whatever its name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ood_eval.score_maps.map_format import MapFormat

_NAME: Final = "scores"


def _bytes_of(scores: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, scores=scores)
    return stream.getvalue()


def _read(path: Path) -> NDArray[Any]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
        names = found.files
        if _NAME not in names and len(names) != 1:
            raise ValueError(f"must hold one array, or one named {_NAME}; it has {', '.join(names) or 'none'}")
        array: NDArray[Any] = found[_NAME if _NAME in names else names[0]]
        return array


FORMAT: Final = MapFormat(".npz", _bytes_of, _read)

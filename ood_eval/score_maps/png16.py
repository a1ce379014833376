"""`png16`: a grey picture of 16 bits, even steps between an image's lowest and highest score, which it names.

Of others' files without these names, 0..65535 are scores 0..1.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ood_eval.score_maps.map_format import MapFormat

_STEPS: Final = 65535
_LOW: Final = "score_low"
_HIGH: Final = "score_high"


def _bytes_of(scores: NDArray[Any]) -> bytes:
    low, high = float(scores.min()), float(scores.max())
    share = (scores.astype(np.float64) - low) / (high - low) if high > low else np.zeros(scores.shape)
    told = PngInfo()
    told.add_text(_LOW, repr(low))
    told.add_text(_HIGH, repr(high))
    stream = io.BytesIO()
    Image.fromarray(np.rint(share * _STEPS).astype(np.uint16)).save(stream, "png", pnginfo=told)
    return stream.getvalue()


def _read(path: Path) -> NDArray[Any]:
    with Image.open(path) as picture:
        told = dict(picture.info)
        steps = np.array(picture)
        if not picture.mode.startswith("I"):
            raise ValueError(f"has not one channel of 16 bits (mode {picture.mode})")
    low, high = float(told.get(_LOW, 0.0)), float(told.get(_HIGH, 1.0))
    return (low + steps.astype(np.float64) / _STEPS * (high - low)).astype(np.float32)


FORMAT: Final = MapFormat(
    ".png",
    _bytes_of,
    _read,
    loss="scores are rounded to 65,536 even steps between an image's lowest and highest: an error of at most 1/131,070 "
    "of that range, and ties",
    bytes_a_score=2,
)

"""Masks of Fishyscapes, which start with a number of its own, and the pictures of other sets that they lie on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ood_eval.benchmarks.formats.layout import Pair, matching, pair_up

_NUMBERED: Final = re.compile(r"[0-9]+_(.+)")


def numbered_masks(root: Path, patterns: tuple[str, ...]) -> dict[str, Path]:
    """Masks by their key, which may start with Fishyscapes' own number; empty where there are none."""
    return next(filter(None, (matching(root, pattern) for pattern in patterns)), {})


def picture_stems(key: str) -> tuple[str, ...]:
    """Names that the picture of a mask may have, the likeliest first: the whole key, or what follows its number.

    Two masks may lie on one picture. A key without Fishyscapes' number starts with that of the sequence.
    """
    match = _NUMBERED.fullmatch(key)
    stems = (key,) if match is None else (key, match[1])
    return tuple(stem.removesuffix("_leftImg8bit") for stem in stems)


def over_pictures(root: Path, masks: Mapping[str, Path], pictures: Mapping[str, Path]) -> tuple[Pair, ...]:
    """Each mask with the picture it lies on.

    Raises:
        DataError: a picture is missing.
    """
    found = {key: next((pictures[stem] for stem in picture_stems(key) if stem in pictures), None) for key in masks}
    return pair_up(root, {key: path for key, path in found.items() if path is not None}, masks)

"""The three parts that StreetHazards is split into; needs nothing, so that a command line may know them."""

from __future__ import annotations

from typing import Literal

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")

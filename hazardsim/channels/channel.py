"""What a channel of a frame is: one row of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hazardsim.channels.wire import SensorImage


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One array [H,W] or [H,W,values] of each frame: what it is, where it comes from, and how it is kept.

    `sensor` is the CARLA blueprint that brings it, `settings` attributes that the sensor must have; channels may share
    a sensor. `decode` reads the sensor's data; it also gets the ids of the scene's actors on the server, first vehicles
    and pedestrians, then anomalies. `write` gives the bytes of the file `folder/.../N` + `suffix`, `read` reads one
    back; DatasetError where a value cannot be kept, or a file is not one of these. What is read may be of another kind
    than what was written: of the semantic tags the file keeps StreetHazards' labels.
    """

    dtype: str
    sensor: str
    decode: Callable[[SensorImage, Sequence[int]], NDArray[Any]]
    folder: str
    write: Callable[[NDArray[Any]], bytes]
    read: Callable[[Path], NDArray[Any]]
    values: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ".png"

    def shape(self, height_px: int, width_px: int) -> tuple[int, ...]:
        """The shape of the channel in a frame of this size."""
        return (height_px, width_px) if self.values is None else (height_px, width_px, self.values)

"""Flat arrays on the device that grow where they are: what was uploaded once is not moved for each small addition."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.server.render.variant import native

_SPARE: Final = 4
"""An array that must move gets room for one number more for so many that it holds."""
_LEAST_ROOM: Final = 1 << 16
_WHOLE: Final = 12
"""Lengths are whole multiples of it, since drjit gathers points of two or three numbers from such arrays alone."""


class DeviceBuffer:
    """Numbers on the device, float32 or uint32; `array` may be longer than what was appended."""

    def __init__(self) -> None:
        self.array: Any = None
        self._count = 0

    def append(self, values: NDArray[np.float32] | NDArray[np.uint32]) -> None:
        """Upload values [N] behind those that are there."""
        dr, mi = native()

        if self.array is not None and not len(values):
            return
        kind = mi.Float if values.dtype == np.float32 else mi.UInt32
        end = self._count + len(values)
        if self.array is not None and end <= len(self.array):
            start = mi.UInt32(self._count)
            dr.make_opaque(start)  # a number in the kernel would have it compiled anew for each addition
            dr.scatter(self.array, kind(values), start + dr.arange(mi.UInt32, len(values)))
        else:
            room = max(end // _SPARE, _LEAST_ROOM)
            room += -(end + room) % _WHOLE
            fresh = kind(np.concatenate([values, np.zeros(room, dtype=values.dtype)]))
            if self.array is not None:
                fresh = dr.concat((dr.gather(kind, self.array, dr.arange(mi.UInt32, self._count)), fresh))
            self.array = fresh
        dr.eval(self.array)
        self._count = end

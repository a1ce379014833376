"""From latitude and longitude to metres: the one projection of roads and of everything else on the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

_DECIMALS = 4  # a tenth of a millimetre: equal metres whatever the version of PROJ


@dataclass(frozen=True, slots=True)
class Projection:
    """Transverse Mercator on WGS84 about an origin in degrees; x is metres east, y metres north of it.

    Source: https://proj.org/en/stable/operations/projections/tmerc.html
    """

    latitude_deg: float
    longitude_deg: float

    @property
    def definition(self) -> str:
        """The PROJ string, for pyproj here and for the road converter inside the carla client."""
        return f"+proj=tmerc +lat_0={self.latitude_deg!r} +lon_0={self.longitude_deg!r} +ellps=WGS84"

    def metres(self, degrees: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [N,2] east and north in metres of latitudes and longitudes [N,2]; inf where there is no such place."""
        x, y = pyproj.Proj(self.definition)(degrees[:, 1], degrees[:, 0])
        return np.column_stack([x, y]).round(_DECIMALS)

    def degrees(self, metres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Latitudes and longitudes [N,2] of points [N,2] east and north in metres."""
        longitude, latitude = pyproj.Proj(self.definition)(metres[:, 0], metres[:, 1], inverse=True)
        return np.column_stack([latitude, longitude])

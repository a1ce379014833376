"""OpenStreetMap XML to features in metres east and north of the middle of the extract."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import TownError

_MAX_EXTENT_M = 6000.0


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """A node (one point), an open or a closed way with its tags; `points` [N,2] in metres, closed ways end open."""

    tags: Mapping[str, str]
    points: NDArray[np.float64]
    closed: bool = False

    def number(self, key: str, default: float) -> float:
        """The number that a tag begins with, or the default."""
        text = self.tags.get(key, "").split(";")[0].replace("m", "").strip()
        try:
            value = float(text)
        except ValueError:
            return default
        return value if math.isfinite(value) else default


@dataclass(frozen=True, slots=True, eq=False)
class Extract:
    """An OSM file: its text, latitude and longitude of (0, 0), and the features that have tags."""

    text: str
    origin: tuple[float, float]
    features: tuple[Feature, ...]


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres north per degree of latitude and east per degree of longitude on WGS84.

    Source: meridian and transverse radii of curvature of the WGS84 ellipsoid (a = 6378137 m, f = 1/298.257223563).
    """
    e2 = 0.00669437999014
    w = math.sqrt(1.0 - e2 * math.sin(math.radians(lat)) ** 2)
    north = 6378137.0 * (1.0 - e2) / w**3
    east = 6378137.0 / w * math.cos(math.radians(lat))
    return math.radians(north), math.radians(east)


def read_osm(text: str, where: str) -> Extract:
    """The features of an OSM XML text.

    Raises:
        TownError: not OSM XML, without nodes, or too large.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 (expat itself bounds entity expansion)
    except ET.ParseError as bad:
        raise TownError(f"{where}: not XML ({bad}); export the extract again as .osm") from bad
    if root.tag != "osm":
        raise TownError(f"{where}: the root element is <{root.tag}>, not <osm>; export the extract again as .osm")
    try:
        places = {n.get("id", ""): (float(n.get("lat", "nan")), float(n.get("lon", "nan"))) for n in root.iter("node")}
    except ValueError as bad:
        raise TownError(f"{where}: a node has no readable lat or lon ({bad}); export the extract again") from bad
    if not places or not np.isfinite(list(places.values())).all():
        raise TownError(f"{where}: no nodes with lat and lon; export the extract again as .osm")
    origin = _origin(root, places)
    north, east = metres_per_degree(origin[0])
    local = {k: ((lon - origin[1]) * east, (lat - origin[0]) * north) for k, (lat, lon) in places.items()}
    extent = float(np.ptp(np.array(list(local.values())), axis=0).max())
    if extent > _MAX_EXTENT_M:
        raise TownError(f"{where}: {extent / 1000:.1f} km across; cut it to {_MAX_EXTENT_M / 1000:.0f} km or less")
    features = []
    for node in root.iter("node"):
        tags = _tags(node)
        if tags:
            features.append(Feature(tags, np.array([local[node.get("id", "")]])))
    for way in root.iter("way"):
        refs = [nd.get("ref", "") for nd in way.iter("nd")]
        line = [local[r] for r in refs if r in local]
        tags = _tags(way)
        if not tags or len(line) < 2:
            continue
        closed = len(refs) > 3 and refs[0] == refs[-1]
        features.append(Feature(tags, np.array(line[:-1] if closed else line), closed))
    return Extract(text, origin, tuple(features))


def _tags(element: ET.Element) -> dict[str, str]:
    return {t.get("k", ""): t.get("v", "") for t in element.iter("tag")}


def _origin(root: ET.Element, places: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    bounds = root.find("bounds")
    table = np.array(list(places.values()))
    middle = (table.min(axis=0) + table.max(axis=0)) / 2
    if bounds is not None:
        try:
            south, north, west, east = (float(bounds.get(k, "nan")) for k in ("minlat", "maxlat", "minlon", "maxlon"))
        except ValueError:
            south = math.nan
        if math.isfinite(south):
            middle = np.array([(south + north) / 2, (west + east) / 2])
    return round(float(middle[0]), 7), round(float(middle[1]), 7)

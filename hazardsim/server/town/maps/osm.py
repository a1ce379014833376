"""OpenStreetMap XML to features in metres east and north of the middle of the extract."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hazardsim.errors import TownError
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.multipolygons import assemble_multipolygon
from hazardsim.server.town.maps.projection import Projection

_MAX_EXTENT_M = 6000.0
_AREA_KEYS: Final = frozenset({"building", "landuse", "natural", "leisure", "amenity", "waterway"})
_Point = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Extract:
    """An OSM file: its text, its projection, the features that have tags, and what could not be read, a line each."""

    text: str
    projection: Projection
    features: tuple[Feature, ...]
    faults: tuple[str, ...] = ()


def read_osm(text: str, where: str) -> Extract:
    """The features of an OSM XML text: tagged nodes, ways, and relations of type multipolygon.

    Raises:
        TownError: not OSM XML, without nodes, with places that are not on earth, or too large.
    """
    root = _root(text, where)
    degrees = _places(root, where)
    projection = _projection(root, degrees)
    table = projection.metres(np.array(list(degrees.values())))
    extent = float(np.nan_to_num(np.ptp(table, axis=0), nan=np.inf).max())
    if extent > _MAX_EXTENT_M:
        raise TownError(f"{where}: {extent / 1000:.1f} km across; cut it to {_MAX_EXTENT_M / 1000:.0f} km or less")
    local = dict(zip(degrees, table, strict=True))
    faults: list[str] = []
    features = [Feature(tags, local[node.get("id", "")][None]) for node in root.iter("node") if (tags := _tags(node))]
    areas, drawn = _relations(root, local, faults)
    for way in root.iter("way"):
        tags = _tags(way)
        if tags and not drawn.get(way.get("id", ""), frozenset()) & tags.items():
            features += _way(way, tags, local, faults)
    return Extract(text, projection, (*features, *areas), tuple(faults))


def _root(text: str, where: str) -> ET.Element:
    try:
        root = ET.fromstring(text)  # noqa: S314 (expat itself bounds entity expansion)
    except ET.ParseError as bad:
        raise TownError(f"{where}: not XML ({bad}); export the extract again as .osm") from bad
    if root.tag != "osm":
        raise TownError(f"{where}: the root element is <{root.tag}>, not <osm>; export the extract again as .osm")
    return root


def _places(root: ET.Element, where: str) -> dict[str, tuple[float, float]]:
    """Latitude and longitude of every node by its id."""
    try:
        places = {n.get("id", ""): (float(n.get("lat", "nan")), float(n.get("lon", "nan"))) for n in root.iter("node")}
    except ValueError as bad:
        raise TownError(f"{where}: a node has no readable lat or lon ({bad}); export the extract again") from bad
    if not places or not np.isfinite(list(places.values())).all():
        raise TownError(f"{where}: no nodes with lat and lon; export the extract again as .osm")
    for number, (latitude, longitude) in places.items():
        if abs(latitude) > 90.0 or abs(longitude) > 180.0:
            raise TownError(f"{where}: node {number} lies at {latitude:g}, {longitude:g} degrees; export it again")
    return places


def _projection(root: ET.Element, places: Mapping[str, tuple[float, float]]) -> Projection:
    """About the middle of the bounds, or of all nodes if there are none."""
    bounds = root.find("bounds")
    table = np.array(list(places.values()))
    middle = (table.min(axis=0) + table.max(axis=0)) / 2
    if bounds is not None:
        try:
            south, north, west, east = (float(bounds.get(k, "nan")) for k in ("minlat", "maxlat", "minlon", "maxlon"))
        except ValueError:
            south = math.nan
        if np.isfinite([south, north, west, east]).all():
            middle = np.array([(south + north) / 2, (west + east) / 2])
    return Projection(round(float(middle[0]), 7), round(float(middle[1]), 7))


def _tags(element: ET.Element) -> dict[str, str]:
    return {t.get("k", ""): t.get("v", "") for t in element.iter("tag")}


def _refs(way: ET.Element) -> list[str]:
    return [nd.get("ref", "") for nd in way.iter("nd")]


def _way(way: ET.Element, tags: Mapping[str, str], local: Mapping[str, _Point], faults: list[str]) -> Iterator[Feature]:
    """The feature of a way; of one whose nodes are not all there, its unbroken stretches."""
    refs = _refs(way)
    missing = sum(r not in local for r in refs)
    closed = len(refs) > 3 and refs[0] == refs[-1]
    if not missing:
        if len(refs) > 1:
            yield Feature(tags, np.array([local[r] for r in (refs[:-1] if closed else refs)]), closed)
        return
    faults.append(f"way {way.get('id')} ({_title(tags)}): {missing} of its {len(refs)} nodes are not in the extract")
    if closed and _AREA_KEYS & tags.keys():
        return
    stretch: list[_Point] = []
    for ref in [*refs, ""]:
        if ref in local:
            stretch.append(local[ref])
            continue
        if len(stretch) > 1:
            yield Feature(tags, np.array(stretch))
        stretch = []


def _title(tags: Mapping[str, str]) -> str:
    """The tag that says what it is."""
    return next((f"{k}={v}" for k, v in tags.items() if k in _AREA_KEYS | {"barrier", "highway"}), "other")


def _relations(
    root: ET.Element, local: Mapping[str, _Point], faults: list[str]
) -> tuple[list[Feature], dict[str, frozenset[tuple[str, str]]]]:
    """The areas of all multipolygons, and by the id of an outer way the tags that they have already given shape."""
    ways = {way.get("id", ""): way for way in root.iter("way")}
    areas: list[Feature] = []
    drawn: dict[str, frozenset[tuple[str, str]]] = {}
    for relation in root.iter("relation"):
        tags = _tags(relation)
        if tags.pop("type", "") != "multipolygon":
            continue
        told: list[str] = []
        outer, inner = _members(relation, ways, local, told)
        if not tags and outer:  # as it was mapped until 2017: the outer way has the tags
            tags = _tags(ways[next(iter(outer))])
        if not _AREA_KEYS & tags.keys():
            continue
        shape = assemble_multipolygon(outer, inner)
        told += shape.faults if shape.polygons else [*shape.faults, "no ring is left; it is left out"]
        faults += [f"relation {relation.get('id')} ({_title(tags)}): {fault}" for fault in told]
        for polygon in shape.polygons:
            rings = [np.array(r.coords)[:-1] for r in (polygon.exterior, *polygon.interiors)]
            areas.append(Feature(tags, rings[0], True, tuple(rings[1:])))
        if shape.polygons:
            own = frozenset((k, v) for k, v in tags.items() if k in _AREA_KEYS)
            drawn |= {way: drawn.get(way, frozenset()) | own for way in outer}
    return areas, drawn


def _members(
    relation: ET.Element, ways: Mapping[str, ET.Element], local: Mapping[str, _Point], faults: list[str]
) -> tuple[dict[str, _Point], dict[str, _Point]]:
    """Points [N,2] of the outer and of the inner ways that are whole, by their ids."""
    outer: dict[str, _Point] = {}
    inner: dict[str, _Point] = {}
    for member in relation.iter("member"):
        number, role = member.get("ref", ""), member.get("role", "")
        if member.get("type") != "way":
            continue
        refs = _refs(ways[number]) if number in ways else []
        if role not in ("", "outer", "inner"):
            faults.append(f"way {number} has the role {role!r}, neither outer nor inner")
        elif number not in ways:
            faults.append(f"way {number} is not in the extract")
        elif len(refs) < 2 or any(r not in local for r in refs):
            faults.append(f"nodes of way {number} are not in the extract")
        elif number in outer or number in inner:
            faults.append(f"way {number} is a member twice")
        else:
            (inner if role == "inner" else outer)[number] = np.array([local[r] for r in refs])
    return outer, inner

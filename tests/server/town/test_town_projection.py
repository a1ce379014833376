"""One projection for roads and for everything else."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from hazardsim.server.town.maps.network import read_network
from hazardsim.server.town.maps.osm import read_osm
from hazardsim.server.town.maps.projection import Projection


def test_origin_is_zero_and_axes_are_east_and_north() -> None:
    metres = Projection(49.0, 8.0).metres(np.array([[49.0, 8.0], [49.01, 8.0], [49.0, 8.01]]))
    assert np.allclose(metres[0], 0.0)
    assert metres[1] == pytest.approx([0.0, 1112.0], abs=0.5)
    assert metres[2] == pytest.approx([731.4, 0.5], abs=0.5)


@pytest.mark.parametrize("lat", [0.0, 49.0, -33.9, 68.0])
def test_distances_are_those_on_the_ellipsoid(lat: float) -> None:
    places = np.array([[lat, 8.0], [lat + 0.03, 8.05], [lat - 0.02, 7.97]])
    metres = Projection(lat, 8.0).metres(places)
    for i, j in ((0, 1), (1, 2), (0, 2)):
        _, _, on_earth = pyproj.Geod(ellps="WGS84").inv(places[i, 1], places[i, 0], places[j, 1], places[j, 0])
        assert np.linalg.norm(metres[i] - metres[j]) == pytest.approx(on_earth, abs=0.01)


def test_degrees_undo_metres() -> None:
    here = Projection(-12.3456789, 130.9876543)
    points = np.array([[0.0, 0.0], [4000.0, -3000.0], [-10.5, 2999.25]])
    assert np.allclose(here.metres(here.degrees(points)), points, atol=1e-4)


@pytest.mark.parametrize("lat", [49.0, -33.9])
def test_house_and_road_meet_at_the_rim_of_the_largest_extract(lat: float) -> None:
    """6 km across: the ends of a road and the corners of a house that have the same nodes."""
    here = Projection(lat, 8.0)
    ends = np.array([[-2990.0, -2990.0], [-2790.0, -2990.0], [2790.0, 2990.0], [2990.0, 2990.0]])
    nodes = "".join(f"<node id='{k}' lat='{a!r}' lon='{b!r}'/>" for k, (a, b) in enumerate(here.degrees(ends).tolist()))
    road = "<tag k='highway' v='residential'/><tag k='oneway' v='yes'/><tag k='lanes' v='1'/>"
    text = (
        f"<?xml version='1.0'?><osm version='0.6'>{nodes}"
        f"<way id='1'><nd ref='0'/><nd ref='1'/>{road}</way><way id='2'><nd ref='2'/><nd ref='3'/>{road}</way>"
        "<way id='3'><nd ref='0'/><nd ref='1'/><nd ref='2'/><nd ref='0'/><tag k='building' v='yes'/></way></osm>"
    )
    extract = read_osm(text, "rim")
    house = next(f for f in extract.features if "building" in f.tags)
    lanes = np.concatenate([s.centre[[0, -1], :2] for s in read_network(text, "rim", extract.projection).driving()])
    for corner in house.points:
        # a lane begins 1 mm behind the end of its road
        assert np.linalg.norm(lanes - corner, axis=1).min() < 0.01

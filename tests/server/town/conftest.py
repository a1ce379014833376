"""A hand-written town of three streets, in metres about (49, 8) degrees, built once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest

from hazardsim.server.renderables import Town
from hazardsim.server.town.build import build_town
from hazardsim.server.town.maps.network import Network, read_network
from hazardsim.server.town.maps.osm import Extract, read_osm
from hazardsim.server.town.maps.projection import Projection

HERE = Projection(49.0, 8.0)
Way = tuple[Sequence[tuple[float, float]], Mapping[str, str]]
Relation = tuple[Sequence[tuple[str, int]], Mapping[str, str]]


def _tags(tags: Mapping[str, str]) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items())


def write_osm(ways: Mapping[int, Way], relations: Sequence[Relation] = (), half_m: float = 150.0) -> str:
    """OSM XML of ways by id, in metres; equal points are one node. A member is (role, way id)."""
    places = list(dict.fromkeys(p for points, _ in ways.values() for p in points))
    low, high = HERE.degrees(np.array([[-half_m, -half_m], [half_m, half_m]]))
    out = [f'<osm version="0.6"><bounds minlat="{low[0]}" minlon="{low[1]}" maxlat="{high[0]}" maxlon="{high[1]}"/>']
    for number, (lat, lon) in enumerate(HERE.degrees(np.array(places)), 1):
        out.append(f'<node id="{number}" lat="{lat:.10f}" lon="{lon:.10f}"/>')
    for number, (points, tags) in ways.items():
        refs = "".join(f'<nd ref="{places.index(p) + 1}"/>' for p in points)
        out.append(f'<way id="{number}">{refs}{_tags(tags)}</way>')
    for number, (members, tags) in enumerate(relations, 1):
        body = "".join(f'<member type="way" ref="{ref}" role="{role}"/>' for role, ref in members)
        out.append(f'<relation id="{number}">{body}{_tags({"type": "multipolygon", **tags})}</relation>')
    return "\n".join([*out, "</osm>"])


def square(x: float, y: float, half: float) -> list[tuple[float, float]]:
    """A closed ring about a point."""
    return [
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
        (x - half, y - half),
    ]


COURTYARD = (60.0, 45.0)
ISLAND = (-70.0, 60.0)

HAMLET = write_osm(
    {
        1: ([(-120.0, 0.0), (0.0, 0.0), (120.0, 0.0)], {"highway": "primary", "lanes": "4", "maxspeed": "50"}),
        2: ([(0.0, -110.0), (0.0, 0.0), (0.0, 110.0)], {"highway": "residential", "lanes": "2", "maxspeed": "30"}),
        3: ([(0.0, 110.0), (60.0, 105.0), (120.0, 110.0)], {"highway": "residential", "lanes": "2", "maxspeed": "30"}),
        4: (square(*COURTYARD, 22.0), {}),
        5: (square(*COURTYARD, 10.0), {"landuse": "grass"}),
        6: (square(*ISLAND, 30.0), {}),
        7: (square(*ISLAND, 10.0), {}),
        8: ([(20.0, -70.0), (60.0, -70.0), (60.0, -50.0), (20.0, -50.0), (20.0, -70.0)], {"amenity": "parking"}),
        9: (square(-40.0, -40.0, 15.0), {"leisure": "park"}),
        10: (square(-85.0, -30.0, 5.0), {"building": "house", "roof:shape": "gabled", "building:levels": "2"}),
        11: ([(-110.0, -60.0), (-60.0, -60.0)], {"barrier": "hedge"}),
        12: ([(-110.0, -70.0), (-60.0, -70.0)], {"barrier": "fence"}),
    },
    [
        ([("outer", 4), ("inner", 5)], {"building": "apartments", "building:levels": "4"}),
        ([("outer", 6), ("inner", 7)], {"natural": "water"}),
    ],
)


@pytest.fixture
def osm_text() -> Callable[..., str]:
    return write_osm


@pytest.fixture(scope="session")
def hamlet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hamlet") / "hamlet.osm"
    path.write_text(HAMLET)
    return path


@pytest.fixture(scope="session")
def extract() -> Extract:
    return read_osm(HAMLET, "hamlet")


@pytest.fixture(scope="session")
def network(extract: Extract) -> Network:
    return read_network(HAMLET, "hamlet", extract.projection)


@pytest.fixture(scope="session")
def hamlet(hamlet_file: Path) -> Town:
    return build_town(str(hamlet_file))

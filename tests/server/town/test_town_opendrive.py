"""Towns from bare OpenDRIVE: a hill road over another one, and CARLA's own files where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from hazardsim.mesh.solid import Floats
from hazardsim.server.renderables import Town
from hazardsim.server.town.build import build_town
from hazardsim.server.town.maps.network import SOLID_SOLID, Lane, Network, read_network
from hazardsim.taxonomy import TAG

FOLDER = os.environ.get("HAZARDSIM_TEST_TOWNS")


def lane(number: int, kind: str, width_m: float, mark: str = "none") -> str:
    return (
        f'<lane id="{number}" type="{kind}" level="false"><width sOffset="0" a="{width_m}" b="0" c="0" d="0"/>'
        f'<roadMark sOffset="0" type="{mark}" weight="standard" color="standard" width="0.13"/></lane>'
    )


def road(number: int, start: tuple[float, float], heading: float, long: float, height: float, slope: float) -> str:
    """A straight road of two lanes and two sidewalks that climbs evenly."""
    centre = '<lane id="0" type="none"><roadMark sOffset="0" type="solid solid" color="yellow" width="0.13"/></lane>'
    return f"""<road name="" length="{long}" id="{number}" junction="-1">
<type s="0" type="town"><speed max="50" unit="km/h"/></type>
<planView><geometry s="0" x="{start[0]}" y="{start[1]}" hdg="{heading}" length="{long}"><line/></geometry></planView>
<elevationProfile><elevation s="0" a="{height}" b="{slope}" c="0" d="0"/></elevationProfile>
<lanes><laneSection s="0">
<left>{lane(2, "sidewalk", 2.0)}{lane(1, "driving", 3.5, "solid")}</left><center>{centre}</center>
<right>{lane(-1, "driving", 3.5, "solid")}{lane(-2, "sidewalk", 2.0)}</right>
</laneSection></lanes></road>"""


HILL = f"""<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name="" version="1"/>
{road(1, (-100.0, 0.0), 0.0, 200.0, 3.0, 0.05)}{road(2, (0.0, -80.0), 1.5707963267948966, 160.0, 0.0, 0.0)}
</OpenDRIVE>"""


@pytest.fixture(scope="module")
def hill(tmp_path_factory: pytest.TempPathFactory) -> Town:
    path = tmp_path_factory.mktemp("hill") / "hill.xodr"
    path.write_text(HILL)
    return build_town(str(path))


@pytest.fixture(scope="module")
def lanes() -> Network:
    return read_network(HILL, "hill")


def test_a_map_without_a_place_on_earth_has_no_origin(hill: Town) -> None:
    assert hill.origin_deg is None


def heights_at(town: Town, points: Floats, tags: tuple[int, ...]) -> list[list[float]]:
    """Heights of all static triangles of `tags` over or under each point [N,2]."""
    found: list[list[float]] = [[] for _ in points]
    tree = shapely.STRtree(shapely.points(points))
    for mesh in town.meshes:
        if mesh.tag in tags:
            triangles = mesh.part.vertices[mesh.part.faces].astype(np.float64)
            face, point = tree.query(shapely.polygons(triangles[:, [0, 1, 2, 0], :2]), predicate="intersects")
            for f, p in zip(face, point, strict=True):
                a, b, c = triangles[f]
                normal = np.cross(b - a, c - a)
                if abs(normal[2]) > 1e-6:
                    flat = normal[:2] @ (points[p] - a[:2])
                    found[p].append(float(a[2] - flat / normal[2]))
    return found


def driving(network: Network, number: int) -> list[Lane]:
    return [s for s in network.driving() if s.road == number]


def test_lanes_are_read_with_their_heights_and_directions(lanes: Network) -> None:
    assert not lanes.is_flat
    assert sorted((s.road, s.lane_id) for s in lanes.driving()) == [(1, -1), (1, 1), (2, -1), (2, 1)]
    for lane in driving(lanes, 1):
        assert np.allclose(lane.centre[:, 2], 3.0 + 0.05 * (lane.centre[:, 0] + 100.0), atol=0.02)
        assert np.allclose(lane.centre[:, 1], -1.75 * np.sign(np.cos(lane.heading_rad[0])), atol=0.01)
        ahead = np.diff(lane.centre[:, 0]) * np.cos(lane.heading_rad[0])
        assert (ahead > 0.0).all()
        assert lane.width_m == pytest.approx(3.5)
        assert set(lane.marks[:, 0].tolist()) == {SOLID_SOLID}


def test_road_lies_under_its_lanes_and_bridge_over_road(hill: Town, lanes: Network) -> None:
    roads = (TAG["Roads"],)
    for number in (1, 2):
        points = np.concatenate([s.centre[3:-3] for s in driving(lanes, number)])
        for place, found in zip(points, heights_at(hill, points[:, :2], roads), strict=True):
            assert min(abs(z - place[2]) for z in found) < 0.06
    (at_crossing,) = heights_at(hill, np.array([[1.0, 1.0]]), roads)
    assert min(at_crossing) == pytest.approx(0.0, abs=0.06)
    assert max(at_crossing) == pytest.approx(8.05, abs=0.06)


def test_slope_is_dressed(hill: Town) -> None:
    kinds = {o.name.rsplit("_", 1)[0] for o in hill.objects}
    assert {"building", "tree", "street_lamp", "pedestrian"} <= kinds
    assert all(np.isfinite(m.part.vertices).all() for m in hill.meshes)
    assert any(m.tag == TAG["RoadLines"] for m in hill.meshes)


def test_spawn_points_stand_on_the_slope(hill: Town) -> None:
    on_hill = [p for p in hill.spawn_points if abs(p[1, 3]) < 2.0 and abs(p[0, 3]) > 2.0]
    assert len(on_hill) > 10
    for pose in on_hill:
        assert pose[2, 3] == pytest.approx(3.2 + 0.05 * (pose[0, 3] + 100.0), abs=0.05)


@pytest.mark.slow
@pytest.mark.skipif(FOLDER is None, reason="HAZARDSIM_TEST_TOWNS does not name a folder of CARLA's OpenDRIVE files")
@pytest.mark.parametrize("file", ["carla-2019/Town02.xodr", "carla-2020/Town10HD.xodr", "carla-2020/Town07.xodr"])
def test_opendrive_of_carla_is_a_town(file: str) -> None:
    path = Path(str(FOLDER)) / file
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    built = build_town(str(path))
    kinds = {o.name.rsplit("_", 1)[0] for o in built.objects}
    assert {"building", "tree", "street_lamp", "pedestrian"} <= kinds
    lanes = read_network(built.opendrive, file).driving()
    points = np.concatenate([s.centre[:, :2] for s in lanes if s.junction < 0])[::5]
    covered = [bool(found) for found in heights_at(built, points, (TAG["Roads"], TAG["RoadLines"]))]
    assert np.mean(covered) > 0.999

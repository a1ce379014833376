"""Lanes, junctions, kerbs, taken places, and what is made up where the map is silent."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from hazardsim.mesh.builder import Builder
from hazardsim.server.town import palette
from hazardsim.server.town.build import character_of
from hazardsim.server.town.ground.areas import Ground, lay_out_ground
from hazardsim.server.town.ground.kerbside import kerb_lines, kerb_points
from hazardsim.server.town.ground.markings import add_markings
from hazardsim.server.town.ground.occupancy import Occupancy
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.junctions import junction_legs
from hazardsim.server.town.maps.network import Network
from hazardsim.server.town.maps.osm import Extract
from hazardsim.server.town.maps.polyline import Polyline
from hazardsim.server.town.models.library import model_parts
from hazardsim.server.town.models.plants import TREES
from hazardsim.server.town.objects.contents import TownContents
from hazardsim.server.town.objects.traffic_signs import sign_model
from hazardsim.server.town.procedural.missing import missing_features
from hazardsim.server.town.procedural.site import Site


@pytest.fixture(scope="module")
def ground(network: Network, extract: Extract) -> Ground:
    return lay_out_ground(network, extract.features, np.random.default_rng(1))


def site(network: Network, ground: Ground) -> Site:
    return Site(network, ground, junction_legs(network), 5, "village")


def test_polyline_is_read_at_any_distance() -> None:
    corner = Polyline(np.array([[0.0, 0.0, 1.0], [10.0, 0.0, 1.0], [10.0, 10.0, 3.0]]))
    assert corner.length_m == pytest.approx(20.0)
    assert np.allclose(corner.at(np.array([0.0, 5.0, 15.0, 99.0])), [[0, 0, 1], [5, 0, 1], [10, 5, 2], [10, 10, 3]])
    assert np.allclose(corner.across(np.array([5.0, 15.0])), [[0, 1, 0], [-1, 0, 0]], atol=1e-6)


def test_occupancy_over_cells() -> None:
    taken = Occupancy()
    assert taken.claim(shapely.box(-40, -1, 40, 1))  # six cells wide
    assert not taken.is_free(shapely.box(33.0, 0.5, 34.0, 5.0))
    assert taken.is_free(shapely.box(33.0, 1.5, 34.0, 5.0))
    assert not taken.claim(shapely.Point(-39.0, 0.0).buffer(0.2))


def test_kerb_is_walked_with_the_road_on_the_left() -> None:
    road = shapely.box(-50, -4, 50, 4).difference(shapely.box(-10, -1, 10, 1))
    lines = kerb_lines(road, 0.5)
    assert len(lines) == 2
    for line in lines:
        assert np.allclose(shapely.distance(road, shapely.points(line)), 0.5, atol=0.03)
        for point in kerb_points(line, 2.0, 5.0):
            left = np.array([-np.sin(point.along_rad), np.cos(point.along_rad)])
            assert road.intersects(shapely.Point(np.array([point.x, point.y]) + 0.8 * left))


def test_crossing_has_four_legs(network: Network) -> None:
    legs = [leg for leg in junction_legs(network) if np.linalg.norm(leg.middle[:2]) < 25.0]
    assert len(legs) == 4
    for leg in legs:
        away = np.array([np.cos(leg.away_rad), np.sin(leg.away_rad)])
        assert leg.middle[:2] @ away > 0.0
        assert leg.incoming
        assert leg.outgoing
        for lane in leg.incoming:
            assert np.cos(lane.heading_rad[-1] - leg.away_rad) < -0.9
    main = [leg for leg in legs if abs(np.sin(leg.away_rad)) < 0.3]
    assert [leg.is_minor for leg in main] == [False, False]
    assert sum(leg.is_minor for leg in legs) == 2
    assert sorted(len(leg.incoming) for leg in legs) == [1, 1, 2, 2]


def test_two_way_centre_lines_are_yellow_and_lane_lines_white(network: Network) -> None:
    builder = Builder()
    add_markings(builder, network, junction_legs(network), is_osm=True)
    by_material = {m.part.material: m.part.vertices for m in builder.meshes()}
    yellow, white = by_material[palette.YELLOW_PAINT], by_material[palette.WHITE_PAINT]
    on_avenue = lambda p: p[(np.abs(p[:, 1]) < 8.0) & (np.abs(p[:, 0]) > 30.0)]  # noqa: E731
    assert np.abs(on_avenue(yellow)[:, 1]).max() < 0.3
    assert np.abs(np.abs(on_avenue(white)[:, 1]) - 3.5).min() < 0.1


def test_areas_of_the_ground(ground: Ground, network: Network) -> None:
    assert ground.road.contains(shapely.union_all([s.polygon() for s in network.driving()]).buffer(-0.05))
    assert ground.walk.intersection(ground.road).area < 1e-6
    assert ground.built.contains(ground.road.buffer(-0.01))
    assert ground.fast.is_empty
    assert ground.water.intersection(ground.built).area < 1e-6
    assert ground.height(0.0, 50.0) == pytest.approx(0.13)


def test_what_the_map_tells_is_not_made_up(network: Network, ground: Ground, extract: Extract) -> None:
    made = missing_features(site(network, ground), extract.features)
    assert sum("building" in f.tags for f in made) > 10
    trees = [Feature({"natural": "tree"}, np.array([[float(k), -90.0]])) for k in range(50)]
    houses = [
        Feature({"building": "house"}, np.array([[0.0, 0], [1, 0], [1, 1]]) + k * 300, closed=True) for k in range(9)
    ]
    told = missing_features(site(network, ground), [*extract.features, *trees, *houses])
    assert not any(f.tags.get("natural") == "tree" or "building" in f.tags for f in told)
    assert any(f.tags.get("highway") == "street_lamp" for f in told)


def test_made_up_houses_keep_clear_of_everything(network: Network, ground: Ground, extract: Extract) -> None:
    made = missing_features(site(network, ground), extract.features)
    houses = [f.area() for f in made if "building" in f.tags]
    kept = [f.area() for f in extract.features if "building" in f.tags or "leisure" in f.tags]
    assert min(float(ground.built.distance(h)) for h in houses) > 0.5
    assert shapely.union_all(houses).intersection(ground.water).area == 0.0
    assert max(h.buffer(-0.15).intersection(k).area for h in houses for k in kept) == 0.0
    left, right = shapely.STRtree(houses).query([h.buffer(-0.15) for h in houses], predicate="intersects")
    assert (left == right).all()


def test_character_follows_the_lanes(network: Network) -> None:
    narrow = Network("", tuple(s for s in network.lanes if abs(s.lane_id) < 2), frozenset())
    assert character_of(narrow) == "village"
    doubled = Network("", tuple(s for s in network.lanes if s.junction < 0 and np.ptp(s.centre[:, 1]) < 2), frozenset())
    assert character_of(doubled) == "city"


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ("stop", "sign_stop"),
        ("DE:206", "sign_stop"),
        ("DE:274-30", "sign_speed_30"),
        ("maxspeed:50", "sign_speed_50"),
        ("maxspeed", "sign_speed_50"),
        ("DE:314-50", "sign_parking"),
        ("give_way;stop", "sign_give_way"),
        ("city_limit", "sign_warning"),
        ("", "sign_warning"),
    ],
)
def test_words_and_numbers_of_signs(told: str, model: str) -> None:
    assert sign_model(told) == model
    assert model_parts(model)


def test_far_trees_are_lighter() -> None:
    for name in TREES:
        near, far = (
            sum(len(p.part.faces) for p in model_parts(key)) for key in (f"tree_{name}_0", f"tree_{name}_0_far")
        )
        assert far < 0.6 * near


def test_contents_number_objects_and_fit_their_boxes() -> None:
    contents = TownContents()
    contents.add_model("bench", model_parts("bench"))
    shape = contents.footprint("bench", 10.0, 5.0, np.pi / 2)
    contents.place_model("bench", 20, "bench", np.array([10.0, 5.0, 0.1]), np.pi / 2)
    first = contents.next_id - 1
    assert [o.id for o in contents.objects] == [first]
    assert shape.bounds == pytest.approx((9.1, 4.64, 10.9, 5.2), abs=0.1)
    assert 2 * contents.objects[0].extent_m[1] == pytest.approx(1.8)

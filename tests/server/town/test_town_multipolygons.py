"""Multipolygon relations: holes, rings of several ways, and what is broken is announced."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely

from hazardsim.errors import TownError
from hazardsim.server.town.build import build_town
from hazardsim.server.town.maps.features import Feature
from hazardsim.server.town.maps.osm import Extract, read_osm

OsmText = Callable[..., str]


def square(x: float, y: float, half: float) -> list[tuple[float, float]]:
    """A closed ring about a point."""
    return [
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
        (x - half, y - half),
    ]


BLOCK, ROUND = {"building": "yes"}, square(0.0, 0.0, 20.0)


def areas(extract: Extract, key: str = "building") -> list[Feature]:
    return [f for f in extract.features if key in f.tags]


def test_ring_with_a_hole(osm_text: OsmText) -> None:
    extract = read_osm(
        osm_text({1: (ROUND, {}), 2: (square(0, 0, 8.0), {})}, [([("outer", 1), ("inner", 2)], BLOCK)]), "x"
    )
    (block,) = areas(extract)
    assert block.area().area == pytest.approx(1600.0 - 256.0, rel=1e-4)
    assert len(block.points) == 4
    assert [len(h) for h in block.holes] == [4]
    assert not block.area().contains(shapely.Point(0, 0))
    assert extract.faults == ()


def test_ring_split_over_ways_in_any_order_and_direction(osm_text: OsmText) -> None:
    parts = {1: (ROUND[:3], {}), 2: (ROUND[4:1:-1], {}), 3: (square(0, 0, 5.0)[:2], {}), 4: (square(0, 0, 5.0)[1:], {})}
    members = [("outer", 2), ("inner", 4), ("", 1), ("inner", 3)]
    (block,) = areas(read_osm(osm_text(parts, [(members, BLOCK)]), "x"))
    assert block.area().area == pytest.approx(1600.0 - 100.0, rel=1e-4)


def test_several_outer_rings_and_an_island_in_a_hole(osm_text: OsmText) -> None:
    ways = {1: (ROUND, {}), 2: (square(0, 0, 12.0), {}), 3: (square(0, 0, 4.0), {}), 4: (square(60.0, 0.0, 5.0), {})}
    members = [("outer", 1), ("inner", 2), ("outer", 3), ("outer", 4)]
    extract = read_osm(osm_text(ways, [(members, {"natural": "water"})]), "x")
    assert sorted(round(float(f.area().area)) for f in areas(extract, "natural")) == [64, 100, 1024]
    assert extract.faults == ()


def test_two_holes_that_share_a_way(osm_text: OsmText) -> None:
    left = [(-10.0, -5.0), (0.0, -5.0), (0.0, 5.0), (-10.0, 5.0), (-10.0, -5.0)]
    right = [(0.0, 5.0), (10.0, 5.0), (10.0, -5.0), (0.0, -5.0), (0.0, 5.0)]
    ways = {1: (ROUND, {}), 2: (left, {}), 3: (right, {})}
    (block,) = areas(read_osm(osm_text(ways, [([("outer", 1), ("inner", 2), ("inner", 3)], BLOCK)]), "x"))
    assert block.area().area == pytest.approx(1600.0 - 200.0, rel=1e-4)


def test_outer_way_with_the_same_tag_is_not_read_twice(osm_text: OsmText) -> None:
    ways = {1: (ROUND, BLOCK | {"barrier": "wall"}), 2: (square(0, 0, 8.0), {"landuse": "grass"})}
    extract = read_osm(osm_text(ways, [([("outer", 1), ("inner", 2)], BLOCK)]), "x")
    assert [len(f.holes) for f in areas(extract)] == [1]
    assert len(areas(extract, "landuse")) == 1


def test_outer_way_has_the_tags_of_an_old_relation(osm_text: OsmText) -> None:
    ways = {1: (ROUND, BLOCK), 2: (square(0, 0, 8.0), {})}
    assert [len(f.holes) for f in areas(read_osm(osm_text(ways, [([("outer", 1), ("inner", 2)], {})]), "x"))] == [1]


def test_relations_that_are_no_areas_are_left_alone(osm_text: OsmText) -> None:
    text = osm_text({1: (ROUND, {})}, [([("outer", 1)], {"type": "route", "building": "yes"})])
    assert read_osm(text, "x").faults == ()
    assert areas(read_osm(text, "x")) == []


OPEN = {1: (ROUND[:4], {}), 2: (square(50.0, 0.0, 5.0), {})}
BOW_TIE = [(-10.0, -10.0), (10.0, 10.0), (10.0, -10.0), (-10.0, 10.0), (-10.0, -10.0)]


@pytest.mark.parametrize(
    ("ways", "members", "area_m2", "fault"),
    [
        ({1: (ROUND, {})}, [("outer", 1), ("outer", 99)], 1600, "way 99 is not in the extract"),
        (OPEN, [("outer", 1), ("outer", 2)], 100, "way 1 belongs to no closed ring"),
        ({1: (ROUND[:4], {})}, [("outer", 1)], 0, "no ring is left"),
        ({1: (BOW_TIE, {})}, [("outer", 1)], 200, "way 1 crosses itself"),
        ({1: (BOW_TIE[:3], {}), 2: (BOW_TIE[2:], {})}, [("outer", 1), ("outer", 2)], 200, "a ring crosses itself"),
        ({1: (ROUND, {}), 2: (square(60, 0, 5.0), {})}, [("outer", 1), ("inner", 2)], 1600, "lies outside"),
        ({1: (ROUND, {})}, [("outer", 1), ("outer", 1)], 1600, "way 1 is a member twice"),
        ({1: (ROUND, {}), 2: (square(0, 0, 5.0), {})}, [("outer", 1), ("hole", 2)], 1600, "role 'hole'"),
        ({}, [("outer", 5)], 0, "way 5 is not in the extract"),
    ],
)
def test_what_is_broken_is_announced_and_the_rest_is_kept(
    osm_text: OsmText, ways: dict, members: list, area_m2: float, fault: str
) -> None:
    street = {100: ([(-80.0, -50.0), (80.0, -50.0)], {"highway": "residential"})}
    extract = read_osm(osm_text(ways | street, [(members, BLOCK)]), "x")
    assert sum(float(f.area().area) for f in areas(extract)) == pytest.approx(area_m2, rel=1e-4)
    assert any(fault in told for told in extract.faults)
    assert all(told.startswith("relation 1 (building=yes): ") for told in extract.faults)


def test_missing_nodes_are_announced(osm_text: OsmText) -> None:
    text = osm_text({1: (ROUND, BLOCK), 2: ([(0.0, 50.0), (9.0, 50.0), (18.0, 50.0)], {"barrier": "wall"})})
    cut = text.replace('<node id="2" ', '<node id="2002" ').replace('<node id="7" ', '<node id="2007" ')
    extract = read_osm(cut, "x")
    assert areas(extract) == []
    assert [len(f.points) for f in areas(extract, "barrier")] == [2]
    assert sorted(told.split(":")[0] for told in extract.faults) == ["way 1 (building=yes)", "way 2 (barrier=wall)"]


@pytest.mark.parametrize("place", ["lat='490000000' lon='80000000'", "lat='49' lon='1e300'", "lat='inf' lon='8'"])
def test_places_that_are_not_on_earth_give_one_line(osm_text: OsmText, place: str) -> None:
    text = osm_text({1: (ROUND, BLOCK)}).replace("</osm>", f"<node id='77' {place}/></osm>")
    with pytest.raises(TownError, match=r"where\.osm: .*") as caught:
        read_osm(text, "where.osm")
    assert "\n" not in str(caught.value)


def test_random_rings_never_raise_and_keep_finite_areas(osm_text: OsmText) -> None:
    rng = np.random.default_rng(5)
    for _ in range(60):
        spots = [tuple(float(v) for v in p) for p in rng.integers(-6, 6, (9, 2)) * 5.0]
        ways = {k: ([*spots[3 * k : 3 * k + 3], spots[(3 * k + 3) % 9]], {}) for k in range(3)}
        members = [(str(rng.choice(["outer", "inner"])), k) for k in range(3)]
        for feature in areas(read_osm(osm_text(ways, [(members, BLOCK)]), "x")):
            assert feature.area().area > 0.0
            assert np.isfinite(feature.points).all()


def test_building_says_what_it_could_not_read(
    osm_text: OsmText, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ways = {100: ([(-80.0, -50.0), (80.0, -50.0)], {"highway": "residential", "lanes": "2"})}
    path = tmp_path / "cut.osm"
    path.write_text(osm_text(ways, [([("outer", k)], BLOCK) for k in range(30)]))
    with caplog.at_level(logging.WARNING):
        build_town(str(path))
    assert f"{path}: relation 1 (building=yes): way 0 is not in the extract" in caplog.messages
    assert caplog.messages[-1] == f"{path}: 52 more parts of the map could not be read whole"
    assert len(caplog.messages) == 9

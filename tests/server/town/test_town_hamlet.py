"""A small town of three streets: everything stands where it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from hazardsim.mesh.model import Part
from hazardsim.mesh.solid import Floats
from hazardsim.server.renderables import Town
from hazardsim.server.town.build import build_town
from hazardsim.server.town.maps.network import Network
from hazardsim.server.town.maps.osm import Extract
from hazardsim.server.town.maps.projection import Projection
from hazardsim.taxonomy import CLASSES, TAG

pytestmark = pytest.mark.slow

LIE_FLAT = ("Roads", "Sidewalks", "Terrain", "RoadLines", "Water")


@pytest.fixture(scope="module")
def road(hamlet: Town) -> shapely.Geometry:
    """What is tagged as road, seen from above."""
    return seen_from_above(hamlet, "Roads", 0.0)


def seen_from_above(town: Town, tag: str, height: float) -> shapely.Geometry:
    flat = []
    for mesh in town.meshes:
        if mesh.tag == TAG[tag]:
            triangles = mesh.part.vertices[mesh.part.faces].astype(np.float64)
            level = np.abs(triangles[..., 2] - height).max(axis=1) < 0.01
            flat.append(shapely.polygons(triangles[level][:, [0, 1, 2, 0], :2]))
    return shapely.union_all(shapely.buffer(np.concatenate(flat), 1e-4))


def parts(town: Town) -> list[tuple[Part, int]]:
    static = [(m.part, m.tag) for m in town.meshes]
    return static + [(p.part, p.tag) for model in town.models.values() for p in model]


def footprint(town: Town, number: int) -> shapely.Geometry:
    thing = town.objects[number]
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    corners = (np.array(thing.centre_m) + signs * np.array(thing.extent_m)) @ thing.pose[:3, :3].T + thing.pose[:3, 3]
    return shapely.MultiPoint(corners[:, :2]).convex_hull


def places(town: Town, *names: str) -> Floats:
    return np.array([o.pose[:3, 3] for o in town.objects if o.name.rsplit("_", 1)[0] in names])


def test_all_is_there(hamlet: Town) -> None:
    kinds = {o.name.rsplit("_", 1)[0] for o in hamlet.objects}
    needed = {"building", "tree", "hedge", "fence", "street_lamp", "traffic_sign", "pedestrian", "parked_car"}
    assert needed <= kinds
    assert {CLASSES[m.tag].name for m in hamlet.meshes} >= {"Roads", "Sidewalks", "RoadLines", "Terrain", "Water"}


def test_where_it_lies_on_earth(hamlet: Town, extract: Extract) -> None:
    assert hamlet.origin_deg == pytest.approx((49.0, 8.0), abs=1e-6)
    assert hamlet.origin_deg is not None
    assert Projection(*hamlet.origin_deg) == extract.projection


def test_every_triangle_is_sound(hamlet: Town) -> None:
    for part, tag in parts(hamlet):
        assert 0 < tag < len(CLASSES)
        assert np.isfinite(part.vertices).all()
        assert np.isfinite(part.uv).all()
        assert part.faces.max() < len(part.vertices)
        if part.normals is not None:
            assert np.isfinite(part.normals).all()
            assert np.allclose(np.linalg.norm(part.normals, axis=1), 1.0, atol=1e-3)


def test_ground_faces_up(hamlet: Town) -> None:
    for mesh in hamlet.meshes:
        if CLASSES[mesh.tag].name in LIE_FLAT:
            a, b, c = (mesh.part.vertices[mesh.part.faces[:, k]].astype(np.float64) for k in range(3))
            normal = np.cross(b - a, c - a)
            double_m2 = np.linalg.norm(normal, axis=1)
            lies = (np.abs(normal[:, 2]) > 0.5 * double_m2) & (double_m2 > 1e-3)  # needles have no side in float32
            assert (normal[lies, 2] > 0.0).all(), mesh.part.material.name


def test_object_ids_have_no_gaps(hamlet: Town) -> None:
    ids = [o.id for o in hamlet.objects]
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_triangles_of_one_object_lie_together(hamlet: Town) -> None:
    """In every mesh the faces of an object are one run, so that it can be cut out."""
    for mesh in hamlet.meshes:
        changes = np.flatnonzero(np.diff(mesh.object_ids.astype(np.int64)))
        starts = mesh.object_ids[np.concatenate([[0], changes + 1])]
        named = starts[starts > 0]
        assert len(np.unique(named)) == len(named), mesh.part.material.name


def test_markings_lie_on_the_road_and_inside_it(hamlet: Town, road: shapely.Geometry) -> None:
    inside = road.buffer(0.02)
    shapely.prepare(inside)
    count = 0
    for mesh in hamlet.meshes:
        if mesh.tag != TAG["RoadLines"]:
            continue
        points = mesh.part.vertices.astype(np.float64)
        on_road = points[:, 2] < 0.05  # those of a car park lie as high as it does
        assert np.allclose(points[on_road, 2], 0.004, atol=0.003)
        assert shapely.contains_xy(inside, points[on_road, 0], points[on_road, 1]).all()
        count += int(on_road.sum())
    assert count > 400


def test_posts_stand_beside_the_carriageway(hamlet: Town, road: shapely.Geometry) -> None:
    posts = places(hamlet, "traffic_sign", "traffic_light", "street_lamp", "bollard", "hydrant", "bus_shelter", "bench")
    assert len(posts) > 20
    away = shapely.distance(road, shapely.points(posts[:, :2]))
    assert away.min() > 0.2
    assert np.allclose(posts[:, 2], 0.13, atol=0.02)


def test_plants_grow_neither_on_roads_nor_in_houses_nor_in_water(hamlet: Town, road: shapely.Geometry) -> None:
    plants = shapely.points(places(hamlet, "tree", "bush")[:, :2])
    houses = [footprint(hamlet, k) for k, o in enumerate(hamlet.objects) if o.tag == TAG["Buildings"]]
    water = seen_from_above(hamlet, "Water", -1.7)
    assert len(plants) > 30
    assert shapely.distance(road, plants).min() > 0.3
    assert water.area == pytest.approx(60.0**2 - 20.0**2, rel=0.01)
    assert not shapely.intersects(water, plants).any()
    # The box of the courtyard's block holds its courtyard, in which trees may grow.
    courtyard = shapely.box(50.0, 35.0, 70.0, 55.0)
    inside = shapely.STRtree(houses).query(plants, predicate="intersects")[0]
    assert shapely.intersects(courtyard, plants[inside]).all()


def test_nothing_covers_the_courtyard(hamlet: Town) -> None:
    """Straight down into it one meets the lawn, not a roof."""
    for mesh in hamlet.meshes:
        if mesh.tag == TAG["Buildings"]:
            triangles = mesh.part.vertices[mesh.part.faces].astype(np.float64)
            over = shapely.polygons(triangles[:, [0, 1, 2, 0], :2])
            assert not shapely.intersects(shapely.box(51.0, 36.0, 69.0, 54.0), over).any(), mesh.part.material.name
    lawn = seen_from_above(hamlet, "Terrain", 0.13)
    assert lawn.contains(shapely.box(51.0, 36.0, 69.0, 54.0))
    block = [o for k, o in enumerate(hamlet.objects) if o.tag == TAG["Buildings"] and footprint(hamlet, k).area > 1900]
    assert len(block) == 1


def test_cars_park_off_the_lanes(hamlet: Town, network: Network) -> None:
    lanes = shapely.union_all([s.polygon() for s in network.driving()]).buffer(-0.05)
    parked = [footprint(hamlet, k) for k, o in enumerate(hamlet.objects) if o.name.startswith("parked_")]
    assert len(parked) > 3
    assert not any(lanes.intersects(shape) for shape in parked)
    left, right = shapely.STRtree(parked).query(parked, predicate="intersects")
    assert [(a, b) for a, b in zip(left, right, strict=True) if a < b] == []


def test_people_stand_on_sidewalks(hamlet: Town, road: shapely.Geometry) -> None:
    people = places(hamlet, "pedestrian")
    assert len(people) > 5
    assert np.allclose(people[:, 2], 0.13)
    away = shapely.distance(road, shapely.points(people[:, :2]))
    assert away.min() > 0.4
    assert away.max() < 2.7


def test_barriers_stand_where_they_are_drawn(hamlet: Town, extract: Extract) -> None:
    for kind in ("hedge", "fence"):
        line = next(shapely.LineString(f.points) for f in extract.features if f.tags.get("barrier") == kind)
        drawn = [
            o for o in hamlet.objects if o.name.startswith(kind) and line.distance(shapely.Point(o.pose[:2, 3])) < 0.1
        ]
        assert len(drawn) == 10  # 50 m in pieces of 5 m
        assert all(0.5 < 2 * o.extent_m[2] < 2.0 for o in drawn)


def test_same_file_same_town(hamlet: Town, hamlet_file: Path) -> None:
    again = build_town(str(hamlet_file))
    assert again.opendrive == hamlet.opendrive
    assert [(o.id, o.name, o.tag, o.model) for o in again.objects] == [
        (o.id, o.name, o.tag, o.model) for o in hamlet.objects
    ]
    for one, other in zip(parts(hamlet), parts(again), strict=True):
        assert one[1] == other[1]
        assert one[0].material == other[0].material
        assert np.array_equal(one[0].vertices, other[0].vertices)
        assert np.array_equal(one[0].faces, other[0].faces)

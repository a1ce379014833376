"""The shipped towns: whole, deterministic, with free lanes and every class in them."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import pytest
import shapely

from hazardsim.errors import TownError
from hazardsim.resources import shipped
from hazardsim.server.renderables import FIRST_TOWN_ID, Town, TownObject
from hazardsim.server.town.build import build_town, town_names
from hazardsim.server.town.maps.network import FAST_MPS, Network, read_network
from hazardsim.server.town.maps.osm import read_osm
from hazardsim.taxonomy import CLASSES, STREET_HAZARDS_NAMES, TAG

pytestmark = pytest.mark.slow

# One worker builds a town once for all of its tests.
TOWNS = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in town_names()]


@cache
def town(name: str) -> Town:
    return build_town(name)


@cache
def network(name: str) -> Network:
    return read_network(town(name).opendrive, name)


def digest(built: Town) -> str:
    sha = hashlib.sha256(built.opendrive.encode())
    for mesh in built.meshes:
        for array in (mesh.part.vertices, mesh.part.faces, mesh.part.uv, mesh.object_ids):
            sha.update(array.tobytes())
        sha.update(repr((mesh.part.material, mesh.tag)).encode())
    for key in built.models:
        for part in built.models[key]:
            sha.update(key.encode() + part.part.vertices.tobytes() + part.part.faces.tobytes())
    for thing in built.objects:
        sha.update(repr((thing.id, thing.name, thing.tag, thing.centre_m, thing.extent_m, thing.model)).encode())
        sha.update(thing.pose.tobytes())
    for pose in built.spawn_points:
        sha.update(pose.tobytes())
    return sha.hexdigest()


def corners(thing: TownObject) -> np.ndarray:
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    local = np.array(thing.centre_m) + signs * np.array(thing.extent_m)
    return local @ thing.pose[:3, :3].T + thing.pose[:3, 3]


def footprint(thing: TownObject) -> shapely.Polygon:
    return shapely.MultiPoint(corners(thing)[:, :2]).convex_hull


def from_above(built: Town, points: np.ndarray, tags: tuple[int, ...]) -> np.ndarray:
    """Height of the highest static triangle of `tags` over or under each point [N,2]; nan where there is none."""
    best = np.full(len(points), np.nan)
    cloud = shapely.points(points)
    tree = shapely.STRtree(cloud)
    for mesh in built.meshes:
        if mesh.tag not in tags:
            continue
        triangles = mesh.part.vertices[mesh.part.faces].astype(np.float64)
        flat = triangles[:, [0, 1, 2, 0], :2]
        face, point = tree.query(shapely.polygons(flat), predicate="intersects")
        height = triangles[face].mean(axis=1)[:, 2]
        np.fmax.at(best, point, height)
    return best


# A village, and with more time a town and a city.
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Town02", marks=pytest.mark.xdist_group("Town02")),
        pytest.param("Town01", marks=pytest.mark.soak),
        pytest.param("Town05", marks=pytest.mark.soak),
    ],
)
def test_same_name_same_bytes(name: str) -> None:
    assert digest(town(name)) == digest(build_town(name))


@pytest.mark.parametrize("name", TOWNS)
def test_meshes_are_sound(name: str) -> None:
    for mesh in town(name).meshes:
        assert 0 < mesh.tag < len(CLASSES)
        assert len(mesh.object_ids) == len(mesh.part.faces)
        assert np.isfinite(mesh.part.vertices).all()
        assert np.isfinite(mesh.part.uv).all()
    for parts in town(name).models.values():
        assert all(0 < p.tag < len(CLASSES) for p in parts)


@pytest.mark.parametrize("name", TOWNS)
def test_budget_of_triangles(name: str) -> None:
    assert sum(len(m.part.faces) for m in town(name).meshes) < 650_000


@pytest.mark.parametrize("name", TOWNS)
def test_object_ids_are_unique_and_known(name: str) -> None:
    built = town(name)
    ids = [o.id for o in built.objects]
    assert len(ids) == len(set(ids))
    assert min(ids) >= FIRST_TOWN_ID
    assert max(ids) <= 0xFFFF
    used = set(np.unique(np.concatenate([m.object_ids for m in built.meshes])).tolist()) - {0}
    static = {o.id for o in built.objects if o.model is None}
    assert used == static
    assert {o.model for o in built.objects if o.model is not None} == set(built.models)


@pytest.mark.parametrize("name", TOWNS)
def test_static_boxes_hold_their_triangles(name: str) -> None:
    built = town(name)
    by_id = {o.id: o for o in built.objects if o.model is None}
    for mesh in built.meshes:
        for number in np.unique(mesh.object_ids)[:40]:
            if number == 0:
                continue
            thing = by_id[int(number)]
            points = mesh.part.vertices[np.unique(mesh.part.faces[mesh.object_ids == number])].astype(np.float64)
            local = (points - thing.pose[:3, 3]) @ thing.pose[:3, :3]
            over = np.abs(local - thing.centre_m) - thing.extent_m
            assert over.max() < 0.01, thing.name


@pytest.mark.parametrize("name", TOWNS)
def test_driving_lanes_are_free(name: str) -> None:
    lanes = shapely.union_all([s.polygon() for s in network(name).driving()]).buffer(-0.05)
    shapely.prepare(lanes)
    blocking = [o.name for o in town(name).objects if lanes.intersects(footprint(o))]
    assert blocking == []


@pytest.mark.parametrize("name", TOWNS)
def test_buildings_stand_clear_of_roads_and_each_other(name: str) -> None:
    path = shipped("scenarios") / "towns" / f"{name}.osm"
    features = read_osm(path.read_text(encoding="utf-8"), name).features
    shapes = [shapely.Polygon(f.points) for f in features if "building" in f.tags]
    slow_km = sum(s.length_m for s in network(name).driving() if s.junction < 0 and s.speed <= FAST_MPS) / 1000.0
    assert len(shapes) > 20.0 * slow_km  # per km of lane that people live by
    lanes = shapely.union_all([s.polygon() for s in network(name).lanes])
    assert min(lanes.distance(s) for s in shapes) > 0.5
    inner = [s.buffer(-0.15) for s in shapes]
    left, right = shapely.STRtree(inner).query(inner, predicate="intersects")
    assert [(a, b) for a, b in zip(left, right, strict=True) if a < b] == []


@pytest.mark.parametrize("name", TOWNS)
def test_lanes_are_covered_by_road(name: str) -> None:
    rng = np.random.default_rng(3)
    points = []
    for lane in network(name).driving():
        share = rng.uniform(-0.98, 0.98, len(lane.centre))
        points.append(np.stack([lane.edge(float(s))[k, :2] for k, s in enumerate(share)]))
    height = from_above(town(name), np.concatenate(points), (TAG["Roads"], TAG["RoadLines"]))
    assert np.isfinite(height).all()
    assert np.abs(height).max() < 0.02


@pytest.mark.parametrize("name", TOWNS)
def test_nothing_covers_the_lanes(name: str) -> None:
    points = np.concatenate([s.centre[:, :2] for s in network(name).driving()])
    ground = tuple(TAG[t] for t in ("Sidewalks", "Terrain", "Water", "Ground"))
    assert np.isnan(from_above(town(name), points, ground)).all()


@pytest.mark.parametrize("name", TOWNS)
def test_kerbs_are_a_step(name: str) -> None:
    points = np.array([o.pose[:2, 3] for o in town(name).objects if o.name.startswith("street_lamp")])
    height = from_above(town(name), points, (TAG["Sidewalks"], TAG["Terrain"]))
    assert np.allclose(height, 0.13, atol=0.02)


@pytest.mark.parametrize("name", TOWNS)
def test_nobody_walks_or_lives_beside_fast_roads(name: str) -> None:
    fast = [s.polygon() for s in network(name).driving() if s.speed > FAST_MPS]
    if name in ("Town04", "Town06"):
        assert len(fast) > 20
    near = shapely.union_all(fast).buffer(3.0)
    kinds = ("building", "pedestrian", "bench", "post_box", "parked")
    assert [o.name for o in town(name).objects if o.name.startswith(kinds) and near.intersects(footprint(o))] == []


@pytest.mark.parametrize("name", TOWNS)
def test_every_street_hazards_class_occurs(name: str) -> None:
    built = town(name)
    tags = {m.tag for m in built.meshes} | {p.tag for parts in built.models.values() for p in parts}
    classes = {CLASSES[t].street_hazards for t in tags} - {0}
    assert {STREET_HAZARDS_NAMES[c] for c in classes} >= set(STREET_HAZARDS_NAMES[1:13])


@pytest.mark.parametrize("name", TOWNS)
def test_spawn_points_stand_on_lanes_and_look_along_them(name: str) -> None:
    lanes = network(name).driving()
    centres = np.concatenate([s.centre[:, :2] for s in lanes])
    headings = np.concatenate([s.heading_rad for s in lanes])
    poses = town(name).spawn_points
    assert len(poses) > 100
    for pose in poses:
        nearest = int(np.linalg.norm(centres - pose[:2, 3], axis=1).argmin())
        assert np.linalg.norm(centres[nearest] - pose[:2, 3]) < 1.3
        ahead = pose[:2, 0] @ np.array([np.cos(headings[nearest]), np.sin(headings[nearest])])
        assert ahead > 0.95
        assert 0.0 < pose[2, 3] < 0.5


@pytest.mark.parametrize("name", TOWNS)
def test_signs_look_at_the_traffic(name: str) -> None:
    lanes = [s for s in network(name).driving() if s.junction < 0]
    signs = [o for o in town(name).objects if o.tag in (TAG["TrafficSigns"], TAG["TrafficLight"])]
    assert len(signs) > 20
    edges = shapely.STRtree([shapely.LineString(s.edge(-1.0)[:, :2]) for s in lanes])
    for sign in signs:
        lane = lanes[int(edges.nearest(shapely.Point(sign.pose[:2, 3])))]
        k = int(np.linalg.norm(lane.centre[:, :2] - sign.pose[:2, 3], axis=1).argmin())
        ahead = np.array([np.cos(lane.heading_rad[k]), np.sin(lane.heading_rad[k])])
        assert sign.pose[:2, 0] @ ahead < -0.8, sign.name


def test_the_six_towns_of_street_hazards_are_shipped() -> None:
    assert town_names() == [f"Town0{number}" for number in range(1, 7)]


def test_unknown_town_suggests_a_name() -> None:
    with pytest.raises(TownError, match=r"unknown town 'Town5'; did you mean .*Town05") as caught:
        build_town("Town5")
    assert "\n" not in str(caught.value)

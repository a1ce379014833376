"""Label pictures: geometry, encodings, instancing, agreement with an independent ray caster."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import trimesh

from hazardsim.errors import RenderError
from hazardsim.mesh.model import Material, Part, StaticMesh, TaggedPart
from hazardsim.server.render.instances import Geometry, Instance, InstanceTree, ModelBuffers
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.raycast import cast_ray
from hazardsim.server.render.renderer import MitsubaRenderer
from hazardsim.server.render.textures import MaterialLibrary
from hazardsim.server.render.triangles import triangles_of_part
from hazardsim.server.renderables import Camera, SceneObject, Town, TownObject
from hazardsim.server.weather import Weather
from hazardsim.taxonomy import TAG

GREY = Material("grey")
KINDS = ("semantic_segmentation", "instance_segmentation", "depth")


def part(mesh, material=GREY):
    return Part(
        np.asarray(mesh.vertices, np.float32),
        np.asarray(mesh.faces, np.uint32),
        np.zeros((len(mesh.vertices), 2), np.float32),
        material,
    )


def pose(x=0.0, y=0.0, z=0.0, yaw=0.0, pitch=0.0, scale=1.0):
    turn = trimesh.transformations.euler_matrix(0, -np.radians(pitch), np.radians(yaw))
    turn[:3, :3] *= scale
    turn[:3, 3] = x, y, z
    return turn


def static(mesh, tag, ids=0):
    return StaticMesh(part(mesh), tag, np.broadcast_to(np.uint32(ids), len(mesh.faces)).astype(np.uint32))


def town(*meshes, models=None, objects=()):
    return Town("test", "", tuple(meshes), models or {}, tuple(objects), ())


def plane(z=0.0, size=400.0):
    return trimesh.Trimesh(
        [[-size, -size, z], [size, -size, z], [size, size, z], [-size, size, z]], [[0, 1, 2], [0, 2, 3]]
    )


def box(size, centre=(0, 0, 0)):
    return trimesh.creation.box(size, trimesh.transformations.translation_matrix(centre))


def thing(number, mesh, at, tag=TAG["Train"]):
    return SceneObject(number, f"thing{number}", (TaggedPart(part(mesh), tag),), at)


def cameras(at, kinds=KINDS, width=96, height=64, fov=90.0):
    return [Camera(kind, width, height, fov, at) for kind in kinds]


def decoded(images):
    semantic, instance, depth = (image.astype(np.int64) for image in images)
    assert np.array_equal(semantic[..., 2], instance[..., 2])
    code = depth[..., 2] + 256 * depth[..., 1] + 65536 * depth[..., 0]
    return semantic[..., 2], instance[..., 1] | instance[..., 0] << 8, code / (256**3 - 1) * 1000.0


@pytest.fixture(scope="module")
def renderer():
    return MitsubaRenderer(samples=1, denoise=False)


def labels(renderer, scene, at, objects=(), hidden=frozenset(), **size):
    renderer.load(scene)
    return decoded(renderer.render(cameras(at, **size), objects, Weather(), hidden))


def test_depth_of_the_ground_is_analytic(renderer):
    at = pose(z=1.5, pitch=-8, yaw=30)
    tag, _, depth = labels(renderer, town(static(plane(), TAG["Roads"])), at)
    view = PinholeCamera.of(cameras(at)[0])
    directions = view.directions()
    distance = -1.5 / directions[..., 2]
    expected = distance * (directions @ at[:3, 0])
    seen = (directions[..., 2] < -0.02) & (distance < 300)
    assert seen.sum() > 3000
    assert np.all(tag[seen] == TAG["Roads"])
    assert np.all(np.abs(depth[seen] / expected[seen] - 1) < 1e-4)


def test_sky_is_a_thousand_metres_away(renderer):
    tag, number, depth = labels(renderer, town(static(plane(-1.0), 1)), pose(z=1.0, pitch=60))
    assert np.all(tag == TAG["Sky"])
    assert np.all(number == 0)
    assert np.all(depth == 1000.0)


def test_an_empty_world_is_sky_in_every_camera(renderer):
    renderer.load(town())
    images = renderer.render(cameras(pose(z=1.0), kinds=("rgb", *KINDS)), [], Weather())
    assert np.all(images[1][..., 2] == TAG["Sky"])
    assert images[0][..., :3].std() > 0


@pytest.mark.parametrize("fov", [40.0, 90.0, 110.0])
def test_points_project_as_carla_says(renderer, fov):
    at = pose(3, -2, 1.6, yaw=25, pitch=-5)
    width, height = 96, 64
    for forward, right, up in ((8.0, 0.0, 0.0), (9.0, 2.1, 0.8), (7.0, -2.0, -0.9)):
        centre = (at @ [forward, -right, up, 1.0])[:3]
        size = 0.35
        tag, _, _ = labels(renderer, town(static(box([size] * 3, centre), 20)), at, width=width, height=height, fov=fov)
        focal = width / (2 * np.tan(np.radians(fov) / 2))
        u, v = width / 2 + focal * right / forward, height / 2 - focal * up / forward
        rows, columns = np.nonzero(tag == 20)
        assert len(rows) > 0
        assert abs(columns.mean() + 0.5 - u) < 0.75
        assert abs(rows.mean() + 0.5 - v) < 0.75
        projected = PinholeCamera.of(cameras(at, width=width, height=height, fov=fov)[0]).project(centre[None])
        assert np.allclose(projected[0], [u, v, forward], atol=1e-6)


def nearest_by_trimesh(bodies, origin, directions, axis):
    """Number (from 1) of the body that each ray meets first, 0 = none, and its depth along `axis`; brute force."""
    owner, nearest = np.zeros(len(directions), dtype=int), np.full(len(directions), np.inf)
    for k, mesh in enumerate(bodies):
        for triangle, normal in zip(mesh.triangles, mesh.face_normals, strict=True):
            lines = np.stack([np.broadcast_to(origin, directions.shape), origin + directions])
            points, crossing = trimesh.intersections.plane_lines(triangle[0], normal, lines, line_segments=False)
            weights = trimesh.triangles.points_to_barycentric(np.broadcast_to(triangle, (len(points), 3, 3)), points)
            reach = np.einsum("ij,ij->i", points - origin, directions[crossing])
            rays = np.flatnonzero(crossing)
            closer = (weights > 0).all(axis=1) & (reach > 0) & (reach < nearest[rays])
            owner[rays[closer]], nearest[rays[closer]] = k + 1, reach[closer]
    return owner, np.where(owner > 0, nearest * (directions @ axis), 0)


def test_labels_agree_with_trimesh_on_a_random_scene(renderer):
    rng = np.random.default_rng(5)
    bodies, meshes = [], []
    for k in range(12):
        body = trimesh.creation.icosphere(1, 0.5) if k % 2 else box([1.0, 0.6, 1.4])
        body.apply_transform(trimesh.transformations.random_rotation_matrix(rng.random(3)))
        body.apply_translation([6 + 6 * rng.random(), 8 * rng.random() - 4, 4 * rng.random() - 1])
        bodies.append(body)
        meshes.append(static(body, 3, 0x8000 + k))
    at = pose(z=1.0)
    tag, number, depth = labels(renderer, town(*meshes), at)
    view = PinholeCamera.of(cameras(at)[0])
    directions = view.directions().reshape(-1, 3)
    expected, along = nearest_by_trimesh(bodies, at[:3, 3], directions, at[:3, 0])
    assert np.array_equal(tag == TAG["Sky"], number == 0)
    got = np.where(number > 0, number - 0x8000 + 1, 0).reshape(-1)
    assert np.count_nonzero(got != expected) <= 3
    same = (got == expected) & (expected > 0)
    assert same.sum() > 250
    assert np.abs(depth.reshape(-1)[same] / along[same] - 1).max() < 1e-4


def test_instances_of_one_model_keep_their_own_ids(renderer):
    models = {"post": (TaggedPart(part(box([0.4, 0.4, 2], (0, 0, 1))), TAG["Poles"]),)}
    objects = [
        TownObject(0x8001 + k, f"post{k}", TAG["Poles"], pose(8, y), (0, 0, 1), (0.2, 0.2, 1), "post")
        for k, y in enumerate((-3.0, 0.0, 3.0))
    ]
    scene = town(static(plane(), 1), models=models, objects=objects)
    moving = [
        thing(7, box([1, 1, 1], (0, 0, 0.5)), pose(5, 1.2)),
        thing(70000, box([1, 1, 1]), pose(5, -1.4, 0.5, 30, 0, 0.7)),
    ]
    tag, number, _ = labels(renderer, scene, pose(z=1.0), moving)
    assert set(np.unique(number[tag == TAG["Poles"]])) == {0x8001, 0x8002, 0x8003}
    assert set(np.unique(number[tag == TAG["Train"]])) == {7, 70000 & 0xFFFF}
    assert set(np.unique(number[tag == 1])) == {0}
    columns = [np.nonzero(number == 0x8001 + k)[1].mean() for k in range(3)]
    assert columns[0] > columns[1] > columns[2]


def test_hidden_objects_are_left_out_and_come_back(renderer):
    models = {"post": (TaggedPart(part(box([0.4, 0.4, 2], (0, 0, 1))), TAG["Poles"]),)}
    post = TownObject(0x8001, "post", TAG["Poles"], pose(8, 1), (0, 0, 1), (0.2, 0.2, 1), "post")
    house = static(box([2, 2, 2], (9, -2, 1)), TAG["Buildings"], 0x8002)
    scene = town(static(plane(), 1), house, models=models, objects=[post])
    at = pose(z=1.0)
    renderer.load(scene)
    before = renderer.render(cameras(at), [], Weather())
    for gone in (0x8001, 0x8002):
        _, number, _ = decoded(renderer.render(cameras(at), [], Weather(), frozenset({gone})))
        assert set(np.unique(number)) == {0, 0x8001, 0x8002} - {gone}
    after = renderer.render(cameras(at), [], Weather())
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_faces_that_are_left_out_are_not_kept_twice(renderer):
    library, buffers = MaterialLibrary(), ModelBuffers(vectorised=renderer.variant.vectorised)
    land = buffers.add(triangles_of_part(part(box([2, 2, 2], (0, 0, 1))), 3, library))
    gone = land.triangles.corners[..., 2].min(axis=1) > 1.5  # the roof
    assert 0 < gone.sum() < len(gone)
    open_house = buffers.without(land, gone)
    assert len(buffers.tag) == len(land.triangles) == len(open_house.triangles)
    assert open_house.first_face == land.first_face
    for model, met in ((land, True), (open_house, False)):
        tree = InstanceTree([Instance(model, np.eye(4), 7)])
        geometry = Geometry((tree,), buffers, renderer.variant.vectorised)
        hits = cast_ray(geometry, np.array([0.3, 0.2, 5.0]), np.array([0.0, 0.0, -1.0]), 9.0)
        assert bool(hits and abs(hits[0].distance_m - 3.0) < 0.01) is met
    assert buffers.without(land, np.ones(len(gone), bool)).group is None


def test_a_pair_with_and_without_an_object_differs_on_its_mask_only(renderer):
    scene = town(static(plane(), 1), static(box([2, 2, 4], (12, 0, 2)), 3, 0x8001))
    at = pose(z=1.4)
    body = thing(9, trimesh.creation.icosphere(2, 0.6), pose(6, 0.3, 0.6))
    renderer.load(scene)
    tag, number, depth = decoded(renderer.render(cameras(at), [body], Weather()))
    clean_tag, clean_number, clean_depth = decoded(renderer.render(cameras(at), [], Weather()))
    mask = number == 9
    assert mask.sum() > 50
    assert np.array_equal(tag != clean_tag, mask)
    assert np.array_equal(number != clean_number, mask)
    assert np.array_equal(depth != clean_depth, mask)


def test_the_order_of_meshes_never_changes_labels(renderer):
    meshes = [
        static(plane(), 1),
        static(box([1, 1, 1], (5, 1, 0.5)), 3, 0x8001),
        static(box([1, 1, 1], (6, -1, 0.5)), 4, 0x8002),
    ]
    first = labels(renderer, town(*meshes), pose(z=1.3))
    second = labels(renderer, town(*meshes[::-1]), pose(z=1.3))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_cameras_of_one_view_share_the_label_pass(renderer, monkeypatch):
    calls = []
    real = renderer.render.__globals__["cast_labels"]
    monkeypatch.setitem(renderer.render.__globals__, "cast_labels", lambda *a: calls.append(1) or real(*a))
    renderer.load(town(static(plane(), 1)))
    renderer.render([*cameras(pose(z=1.0)), *cameras(pose(z=1.0)), *cameras(pose(z=2.0))], [], Weather())
    assert len(calls) == 2


def test_cast_meets_every_surface_in_order(renderer):
    renderer.load(town(static(plane(), 1), static(plane(2.0), 26, 0x8005)))
    ball = thing(4, box([1, 1, 1]), pose(0, 0, 1.0))
    hits = renderer.cast(np.array([0.1, 0.2, 10.0]), np.array([0, 0, -2.0]), 50.0, [ball])
    assert [(h.tag, h.object_id) for h in hits] == [(26, 0x8005), (17, 4), (17, 4), (1, 0)]
    assert np.allclose([h.distance_m for h in hits], [8.0, 8.5, 9.5, 10.0], atol=1e-4)
    near = renderer.cast(np.array([0.1, 0.2, 10.0]), np.array([0, 0, -1.0]), 9.0, [ball], frozenset({0x8005}))
    assert [(h.tag, h.object_id) for h in near] == [(17, 4)]
    assert renderer.cast(np.array([0.1, 0.2, 10.0]), np.array([0, 0, 1.0]), 50.0, []) == []


def test_rays_through_the_town_are_the_same_to_the_bit_in_any_thread(renderer):
    renderer.load(town(*(static(plane(z), 1, 0x8000 + k) for k, z in enumerate((0.0, 0.37, 2.01)))))
    rng = np.random.default_rng(4)
    rays = [
        (rng.uniform([-3, -3, 3], [3, 3, 9]), np.array([*rng.uniform(-0.3, 0.3, 2), -1.0]) * (k % 2 or [0, 0, 1]))
        for k in range(200)
    ]
    here = [renderer.cast(*ray, 50.0, []) for ray in rays]
    with ThreadPoolExecutor(2) as threads:
        there = list(threads.map(lambda ray: renderer.cast_through_town(*ray, 50.0), rays))
    assert there == here
    assert sum(len(hits) == 3 for hits in here) > 100
    with pytest.raises(RenderError, match="the direction has no length"):
        renderer.cast_through_town(np.zeros(3), np.zeros(3), 1.0)


def test_what_cannot_be_drawn_gives_one_line(renderer):
    broken = box([1, 1, 1])
    vertices = np.asarray(broken.vertices, np.float32).copy()
    vertices[0, 0] = np.nan
    bad = Part(vertices, np.asarray(broken.faces, np.uint32), np.zeros((len(vertices), 2), np.float32), GREY)
    with pytest.raises(RenderError, match="not finite"):
        renderer.load(town(StaticMesh(bad, 1, np.zeros(len(bad.faces), np.uint32))))
    with pytest.raises(RenderError, match="object ids"):
        renderer.load(town(StaticMesh(part(broken), 1, np.zeros(3, np.uint32))))
    unknown = TownObject(0x8001, "x", 6, pose(), (0, 0, 0), (1, 1, 1), "missing")
    with pytest.raises(RenderError, match="'missing'"):
        renderer.load(town(objects=[unknown]))
    renderer.load(town(static(plane(), 1)))
    for camera, words in (
        (Camera("depth", 0, 64, 90.0, pose()), "0x64"),
        (Camera("depth", 96, 64, 180.0, pose()), "fov 180"),
        (Camera("depth", 96, 64, 90.0, pose() * np.nan), "pose"),
    ):
        with pytest.raises(RenderError, match=words):
            renderer.render([camera], [], Weather())
    with pytest.raises(RenderError, match="object 5"):
        renderer.render(cameras(pose()), [thing(5, broken, np.zeros((4, 4)))], Weather())

"""Lights: sun and sky are found or sampled as they say, lamps count once, and a new kind is a file and one line."""

from dataclasses import dataclass

import numpy as np
import pytest
import trimesh

from hazardsim.mesh.model import Material, Part, StaticMesh
from hazardsim.server.render import lights
from hazardsim.server.render.bsdf import ShadingPoint, chance_of
from hazardsim.server.render.device_materials import DeviceMaterials
from hazardsim.server.render.emissive_faces import emissive_faces
from hazardsim.server.render.instances import Geometry, Instance, InstanceTree, ModelBuffers
from hazardsim.server.render.lights import LightKind
from hazardsim.server.render.lights.light import LightSample, LightScene
from hazardsim.server.render.path_tracer import render_vectorised
from hazardsim.server.render.path_vertex import Surfaces
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.renderer import MitsubaRenderer
from hazardsim.server.render.sky import SUNLIT_WHITE
from hazardsim.server.render.textures import MaterialLibrary
from hazardsim.server.render.triangles import joined, triangles_of_part
from hazardsim.server.render.variant import activate, choose_variant, native
from hazardsim.server.render.wetness import DeviceWetness, Water
from hazardsim.server.renderables import Camera, Town
from hazardsim.server.weather import Weather

pytestmark = pytest.mark.slow

ALBEDO = 0.5
SRGB_OF_ALBEDO = 0.735357  # IEC 61966-2-1
MATT = Material("matt", (SRGB_OF_ALBEDO,) * 3, roughness=1.0)
BLACK = Material("black", (0.0, 0.0, 0.0), roughness=1.0)


@dataclass
class SphereLight:
    """A sphere of even radiance in the air; no surface of the scene."""

    centre: tuple[float, float, float]
    radius: float
    radiance: float

    def _cosine(self, position):
        dr, mi = native()
        away = mi.Vector3f(*self.centre) - mi.Vector3f(position)
        square = dr.squared_norm(away)
        return away * dr.rsqrt(square), dr.sqrt(square), dr.safe_sqrt(1 - self.radius**2 / square)

    def sample(self, position, pick, place):
        """A direction in the cone that the sphere fills, all equally likely."""
        dr, mi = native()
        axis, distance, cosine = self._cosine(position)
        direction = mi.Frame3f(axis).to_world(mi.warp.square_to_uniform_cone(place, cosine))
        solid_angle = 2 * dr.pi * (1 - cosine)
        return LightSample(direction, mi.Color3f(self.radiance * solid_angle), distance - self.radius)

    def found(self, segment):
        dr, mi = native()
        axis, distance, cosine = self._cosine(segment.ray.o)
        met = segment.straight & segment.active & (dr.dot(axis, segment.ray.d) > cosine)
        return dr.select(met & (segment.length > distance), mi.Color3f(self.radiance), mi.Color3f(0))

    def surface_chance(self, hit):
        return None


class SurfaceLight:
    """All faces that give light, chosen by how much they give; `told` False: the path tracer is not told of it."""

    def __init__(self, scene, told=True):
        _, mi = native()
        faces, self.told = scene.emissive, told
        power = faces.area_m2 * (faces.radiance @ np.array([0.212671, 0.715160, 0.072169]))
        self.choice = mi.DiscreteDistribution(mi.Float(power))
        self.total = float(power.sum())
        self.corners = mi.Float(faces.corners.reshape(-1))
        self.colour = mi.Float(faces.radiance.reshape(-1))

    def sample(self, position, pick, place):
        dr, mi = native()
        face = self.choice.sample(pick)
        a, b, c = (mi.Vector3f(*(dr.gather(mi.Float, self.corners, 9 * face + 3 * k + i) for i in range(3)))
                   for k in range(3))  # fmt: skip
        radiance = mi.Color3f(*(dr.gather(mi.Float, self.colour, 3 * face + k) for k in range(3)))
        weights = mi.warp.square_to_uniform_triangle(place)
        away = a + (b - a) * weights.x + (c - a) * weights.y - mi.Vector3f(position)
        distance = dr.norm(away)
        normal = dr.normalize(dr.cross(b - a, c - a))
        cosine = dr.abs(dr.dot(normal, away)) / distance
        chance = mi.luminance(radiance) / self.total * distance**2 / dr.maximum(cosine, 1e-6)
        return LightSample(away / distance, radiance / chance, distance, chance if self.told else None)

    def found(self, segment):
        _, mi = native()
        return mi.Color3f(0)

    def surface_chance(self, hit):
        dr, mi = native()
        if not self.told:
            return None
        return mi.luminance(hit.radiance) / self.total * hit.segment.length**2 / dr.maximum(hit.cosine, 1e-6)


@pytest.fixture(scope="module", autouse=True)
def variant():
    chosen = choose_variant()
    if not chosen.vectorised:
        pytest.skip("no usable LLVM here: Mitsuba's own path tracer draws, which has its own lights")
    activate(chosen)
    return chosen


def plane(half=20.0, z=0.0, material=MATT):
    corners = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    return Part(corners, np.array([[0, 1, 2], [0, 2, 3]], np.uint32), corners[:, :2].copy(), material)


def post():
    mesh = trimesh.creation.box((0.6, 0.6, 1.4))
    mesh.apply_translation([1.0, 0, 0.7])
    corners = np.asarray(mesh.vertices, np.float32)
    return Part(corners, np.asarray(mesh.faces, np.uint32), corners[:, :2].copy(), BLACK)


def surfaces(*parts):
    return lit_surfaces(*parts)[0]


def lit_surfaces(*parts, pose=None):
    """Surfaces at a pose, and the scene that lights are made from."""
    library, buffers = MaterialLibrary(), ModelBuffers(vectorised=True)
    model = buffers.add(joined(triangles_of_part(part, 1, library) for part in parts))
    tree = InstanceTree([Instance(model, np.eye(4) if pose is None else pose, 0)])
    geometry = Geometry((tree,), buffers, vectorised=True)
    scene = LightScene(None, None, (), frozenset(), lambda: emissive_faces(geometry, library.tables()))
    made = DeviceMaterials(library.tables()), DeviceWetness(Water(0, 0, 0))
    return Surfaces(geometry, geometry.faces, *made), scene


def looking_down(height, fov=1.0, size=8, where=0.0):
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    pose[:3, 3] = where, where, height
    return PinholeCamera.of(Camera("rgb", size, size, fov, pose))


def thrown_back_straight_up(irradiance):
    """Radiance of `MATT` for light and viewer along its normal: Lambert under Schlick, and GGX with alpha 1."""
    specular = 0.02
    gloss = specular * (1 / np.pi) / 4  # D = 1 / pi, no masking along the normal
    return irradiance * ((1 - specular) * ALBEDO / np.pi + gloss)


@pytest.mark.parametrize("distance", [2.0, 4.0, 8.0])
def test_irradiance_of_a_sphere_falls_with_the_square_of_its_distance(distance):
    lamp = SphereLight((0, 0, distance), radius=0.05, radiance=200.0)
    drawn = render_vectorised(looking_down(1.0), surfaces(plane()), [lamp], samples=64, seed=3)
    # A sphere in full view: E = pi L (r / d)^2. The view is 1 degree wide and the sphere small, so that every sample
    # is within 2 % of the same value: 4096 of them err by less than 0.2 %, their bias by less than that.
    expected = thrown_back_straight_up(np.pi * 200.0 * (0.05 / distance) ** 2)
    assert drawn.radiance.mean() == pytest.approx(expected, rel=5e-3)


def test_two_lights_add_up_and_none_is_dark():
    scene, camera = surfaces(plane()), looking_down(1.0)
    lamps = [SphereLight((x, 0, 3), 0.1, 50.0) for x in (-1.0, 1.0)]
    one, other, both, none = (
        render_vectorised(camera, scene, chosen, 16, 0).radiance.mean() for chosen in (lamps[:1], lamps[1:], lamps, [])
    )
    assert both == pytest.approx(one + other, rel=1e-2)
    assert none == 0


def test_a_light_behind_the_surface_or_the_camera_lights_nothing_that_is_turned_away():
    below = SphereLight((0, 0, -3), 0.1, 50.0)
    assert render_vectorised(looking_down(1.0), surfaces(plane()), [below], 8, 0).radiance.max() == 0


def test_a_sampled_light_is_seen_by_the_camera_once():
    lamp = SphereLight((0, 0, 5), 0.5, 7.0)
    camera = looking_down(10.0, fov=20.0, size=64)
    drawn = render_vectorised(camera, surfaces(plane()), [lamp], samples=16, seed=0)
    disc = np.pi * (camera.focal_px * np.tan(np.arcsin(0.5 / 5.0))) ** 2
    bright = drawn.radiance[..., 0] > 3.5
    assert bright.sum() == pytest.approx(disc, rel=0.05)
    assert drawn.radiance[32, 32, 0] == pytest.approx(7.0 + thrown_back_straight_up(0), abs=0.5)


def test_penumbra_agrees_with_mitsuba():
    """Share of the light that a post leaves, pixel by pixel, against `path` with the equal emitter and no gloss."""
    _, mi = native()
    lamp, camera, size = SphereLight((-2.0, 0.5, 3.0), 0.6, 40.0), looking_down(6.0, 50.0, 48), 48
    ours = [
        render_vectorised(camera, surfaces(*parts), [lamp], 64, 1).radiance[..., 0]
        for parts in ((plane(), post()), (plane(),))
    ]
    dark = {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.0}}
    scene = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 2, "hide_emitters": True},
        "sensor": {
            "type": "perspective", "fov": 50.0, "fov_axis": "x",
            "to_world": mi.ScalarTransform4f().look_at([0, 0, 6], [0, 0, 0], [1, 0, 0]),
            "film": {"type": "hdrfilm", "width": size, "height": size, "rfilter": {"type": "box"}},
        },
        "plane": {"type": "rectangle", "to_world": mi.ScalarTransform4f().scale(20),
                  "bsdf": {"type": "diffuse", "reflectance": {"type": "rgb", "value": ALBEDO}}},
        "lamp": {"type": "sphere", "center": list(lamp.centre), "radius": lamp.radius, "bsdf": dark,
                 "emitter": {"type": "area", "radiance": {"type": "rgb", "value": lamp.radiance}}},
    }  # fmt: skip
    box = {"type": "cube", "bsdf": dark,
           "to_world": mi.ScalarTransform4f().translate([1, 0, 0.7]).scale([0.3, 0.3, 0.7])}  # fmt: skip
    theirs = [np.array(mi.render(mi.load_dict(s), spp=256))[..., 0] for s in ({**scene, "box": box}, scene)]
    ground = theirs[1] > 0.2 * theirs[1].max()
    shares = [np.clip(with_it / np.maximum(without, 1e-9), 0, 1.2)[ground] for with_it, without in (ours, theirs)]
    assert (shares[1] < 0.3).sum() > 30  # there is a shadow
    assert ((shares[1] > 0.3) & (shares[1] < 0.9)).sum() > 20  # and a soft edge
    assert abs(shares[0].mean() - shares[1].mean()) < 0.01
    assert np.abs(shares[0] - shares[1]).mean() < 0.02


GLOW = 0.9
LAMP = Material("lamp", (0.0, 0.0, 0.0), roughness=1.0, emission=(GLOW / SUNLIT_WHITE,) * 3)


def share_of_square(half, height):
    """Form factor of a square of side 2 `half` for a facing surface below its middle. Source: Howell, B-3."""
    x = half / height
    root = np.sqrt(1 + x * x)
    return 4 * 2 * (x / root) * np.arctan(x / root) / (2 * np.pi)


@pytest.mark.parametrize("where_m", [0.0, 900.0])
def test_an_emissive_square_lights_the_ground_as_the_formula_says_sampled_or_found(where_m):
    pose = np.eye(4)
    pose[:2, 3] = where_m
    half, height = 0.75, 1.5
    scene, made_of = lit_surfaces(plane(), plane(half, height, LAMP), pose=pose)
    camera = looking_down(1.0, where=where_m)
    found, sampled, unweighed = (
        render_vectorised(camera, scene, lamps, samples, 5).radiance.mean()
        for lamps, samples in (
            ([], 1024),
            ([SurfaceLight(made_of)], 64),
            ([SurfaceLight(made_of, told=False)], 64),
        )
    )
    # A fifth of the light's directions meet the square, so 65536 found samples err by 0.8 %; gloss is 1 % of the light.
    expected = thrown_back_straight_up(np.pi * GLOW * share_of_square(half, height))
    assert sampled == pytest.approx(expected, rel=0.015)
    assert found == pytest.approx(expected, rel=0.025)
    assert unweighed == pytest.approx(2 * expected, rel=0.03)  # what weighing is for


def test_a_lamp_in_a_glossy_floor_is_as_bright_sampled_as_found():
    """A mirror image of the lamp, where the chance of the gloss and not the lamp's decides."""
    floor = Material("floor", (0.1,) * 3, roughness=0.3)
    scene, made_of = lit_surfaces(plane(material=floor), plane(0.5, 2.0, LAMP))
    pose = np.eye(4)
    pose[:3, :3] = np.array([[np.sqrt(0.5), 0, np.sqrt(0.5)], [0, 1, 0], [-np.sqrt(0.5), 0, np.sqrt(0.5)]])
    pose[:3, 3] = -1.5, 0, 1.2
    camera = PinholeCamera.of(Camera("rgb", 24, 24, 40.0, pose))
    found, sampled = (
        render_vectorised(camera, scene, lamps, samples, 2).radiance[..., 0]
        for lamps, samples in (([], 512), ([SurfaceLight(made_of)], 64))
    )
    assert found.max() > 3 * np.median(found)  # the image of the lamp is in the picture
    assert sampled.mean() == pytest.approx(found.mean(), rel=0.02)
    blocks = [p.reshape(6, 4, 6, 4).mean(axis=(1, 3)) for p in (found, sampled)]
    np.testing.assert_allclose(blocks[1], blocks[0], rtol=0.15, atol=0.1 * blocks[0].max())


def test_light_behind_glass_is_found_where_shadow_rays_are_stopped():
    pane = plane(2.0, 1.2, Material("pane", (0.5,) * 3, "glass", opacity=0.2))
    scene, made_of = lit_surfaces(plane(), plane(0.75, 1.5, LAMP), pane)
    found, sampled = (
        render_vectorised(looking_down(1.0), scene, lamps, 512, 1).radiance.mean()
        for lamps in ([], [SurfaceLight(made_of)])
    )
    assert sampled == pytest.approx(found, rel=0.05)
    assert found > 0.5 * thrown_back_straight_up(np.pi * GLOW * share_of_square(0.75, 1.5))


@pytest.mark.parametrize(("alpha", "translucent"), [(0.3, 0.0), (1.0, 0.0), (0.6, 0.4)])
def test_the_chances_of_all_directions_are_one(alpha, translucent):
    dr, mi = native()
    count = 512
    lane = dr.arange(mi.UInt32, count * count)
    place = mi.Point2f((lane % count + 0.5) / count, (lane // count + 0.5) / count)
    up, rgb = mi.Vector3f(0, 0, 1), mi.Color3f(0.4)
    view = dr.normalize(mi.Vector3f(0.3, 0, 1))
    point = ShadingPoint(up, up, rgb, mi.Color3f(0.04), mi.Float(alpha), mi.Float(translucent))
    chance = chance_of(point, view, mi.warp.square_to_uniform_sphere(place))
    total = float(dr.mean(chance)[0]) * 4 * np.pi
    # A rough gloss is thrown below the surface, too: those paths end.
    assert total == pytest.approx(1, abs=0.05)
    assert total < 1.001


def test_emissive_faces_stand_where_their_instances_do():
    pose = np.diag([2.0, 2.0, 2.0, 1.0])
    pose[:3, 3] = 5, 0, 1
    library, buffers = MaterialLibrary(), ModelBuffers(vectorised=True)
    plain, lamp = (buffers.add(triangles_of_part(p, 1, library)) for p in (plane(), plane(0.5, 0.0, LAMP)))
    tree = InstanceTree([Instance(plain, np.eye(4), 0), Instance(lamp, pose, 77)])
    faces = emissive_faces(Geometry((tree,), buffers, vectorised=True), library.tables())
    assert len(faces) == 2
    assert faces.area_m2.tolist() == pytest.approx([2.0, 2.0])
    assert faces.corners.min(axis=(0, 1)).tolist() == pytest.approx([4, -1, 1])
    assert faces.radiance[0].tolist() == pytest.approx([GLOW] * 3)
    assert (faces.face.tolist(), faces.instance.tolist(), faces.object_id.tolist()) == ([2, 3], [1, 1], [77, 77])


def test_a_light_is_a_file_and_one_line(monkeypatch):
    town = Town(
        "t", "", (StaticMesh(plane(material=Material("m", (0.5,) * 3)), 1, np.zeros(2, np.uint32)),), {}, (), ()
    )
    renderer = MitsubaRenderer(samples=2, denoise=False)
    renderer.load(town)
    pose = np.eye(4)
    pose[2, 3] = 1.5
    camera = Camera("rgb", 32, 24, 90.0, pose, {"exposure_mode": "manual"})
    late = Weather(sun_altitude_angle=-30)
    dark = renderer.render([camera], [], late)[0][..., :3].mean()
    monkeypatch.setitem(lights.LIGHTS, "lamp", LightKind(lambda _: SphereLight((5.0, 0, 4.0), 0.3, 60.0)))
    lit = MitsubaRenderer(samples=2, denoise=False)
    lit.load(town)
    assert lit.render([camera], [], late)[0][..., :3].mean() > dark + 20

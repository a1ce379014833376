"""Lights: sun and sky are found or sampled as they say, and a new kind is a file and one line."""

from dataclasses import dataclass

import numpy as np
import pytest
import trimesh

from hazardsim.mesh.model import Material, Part, StaticMesh
from hazardsim.server.render import lights
from hazardsim.server.render.instances import Geometry, Instance, InstanceTree, ModelBuffers
from hazardsim.server.render.lights.light import LightSample
from hazardsim.server.render.materials import DeviceMaterials
from hazardsim.server.render.path_tracer import render_vectorised
from hazardsim.server.render.path_vertex import Surfaces
from hazardsim.server.render.pinhole import PinholeCamera
from hazardsim.server.render.renderer import MitsubaRenderer
from hazardsim.server.render.textures import MaterialLibrary
from hazardsim.server.render.triangles import joined, triangles_of_part
from hazardsim.server.render.variant import activate, choose_variant, native
from hazardsim.server.render.wetness import DeviceWetness, Water
from hazardsim.server.renderables import Camera, Town
from hazardsim.server.weather import Weather

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
    library, buffers = MaterialLibrary(), ModelBuffers(vectorised=True)
    model = buffers.add(joined(triangles_of_part(part, 1, library) for part in parts))
    tree = InstanceTree([Instance(model, np.eye(4), 0)])
    geometry = Geometry((tree,), buffers, vectorised=True)
    return Surfaces(geometry, geometry.faces, DeviceMaterials(library.tables()), DeviceWetness(Water(0, 0, 0)))


def looking_down(height, fov=1.0, size=8):
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    pose[2, 3] = height
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
    monkeypatch.setitem(lights.LIGHTS, "lamp", lambda _: SphereLight((5.0, 0, 4.0), 0.3, 60.0))
    lit = MitsubaRenderer(samples=2, denoise=False)
    lit.load(town)
    assert lit.render([camera], [], late)[0][..., :3].mean() > dark + 20

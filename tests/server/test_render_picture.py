"""Colour pictures: light, weather, determinism, and agreement with Mitsuba's own path tracer."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from hazardsim.errors import RenderError
from hazardsim.mesh.model import Material, Part, StaticMesh, TaggedPart
from hazardsim.server.render import atmosphere
from hazardsim.server.render.lights import LIGHTS, LightKind
from hazardsim.server.render.renderer import MitsubaRenderer
from hazardsim.server.render.variant import CUDA_VARIANT, LLVM_VARIANT, SCALAR_VARIANT, choose_variant, llvm_candidates
from hazardsim.server.renderables import Camera, SceneObject, Town
from hazardsim.server.weather import Weather

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 96, 64
UNCLIPPED = {"exposure_compensation": "-1.5"}  # two tests compare light, so nothing may reach the film's shoulder


def flat(x0, y0, x1, y1, z, material, tag):
    corners = np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32)
    surface = Part(corners, np.array([[0, 1, 2], [0, 2, 3]], np.uint32), corners[:, :2].copy(), material)
    return StaticMesh(surface, tag, np.zeros(2, np.uint32))


def block(size, material):
    mesh = trimesh.creation.box(size)
    mesh.apply_translation([0, 0, size[2] / 2])
    uv = np.asarray(mesh.vertices[:, 1:], np.float32)
    return Part(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.uint32), uv, material)


def body(number, x, y, size=(1, 1, 1), material=None):
    pose = np.eye(4)
    pose[:2, 3] = x, y
    colour = material or Material("red", (0.7, 0.1, 0.1))
    return SceneObject(number, f"{number}{size}{colour}", (TaggedPart(block(size, colour), 17),), pose)


def street():
    asphalt = Material("asphalt", (0.3, 0.3, 0.3), "asphalt", roughness=0.85)
    grass = Material("grass", (0.3, 0.4, 0.2), "grass", roughness=0.95)
    return Town(
        "t", "", (flat(-50, -5, 300, 5, 0, asphalt, 1), flat(-300, -300, 300, 300, -0.05, grass, 10)), {}, (), ()
    )


def camera(kind="rgb", **options):
    pose = np.eye(4)
    pose[2, 3] = 1.5
    return Camera(kind, WIDTH, HEIGHT, 90.0, pose, options)


def light(image):
    return image[..., :3].astype(float).mean(axis=-1)


@pytest.fixture(scope="module")
def renderer():
    made = MitsubaRenderer(samples=4)
    made.load(street())
    return made


def test_picture_is_bgra_and_not_flat_or_blown(renderer):
    (image,) = renderer.render([camera()], [body(1, 8, 0)], Weather())
    assert image.shape == (HEIGHT, WIDTH, 4)
    assert image.dtype == np.uint8
    assert np.all(image[..., 3] == 255)
    mean = light(image).mean()
    assert 60 < mean < 190
    assert (image[..., :3].min(axis=-1) > 250).mean() < 0.05
    red = image[:, :, 2].astype(int) - image[:, :, 0]
    assert red.max() > 60


def test_same_call_gives_the_same_bytes_whatever_came_before(renderer):
    first = renderer.render([camera()], [body(1, 8, 0)], Weather())[0]
    renderer.render([camera()], [], Weather(cloudiness=80, precipitation_deposits=60))
    again = renderer.render([camera()], [body(1, 8, 0)], Weather())[0]
    assert np.array_equal(first, again)


def test_two_processes_give_the_same_bytes(renderer):
    code = (
        "import hashlib, importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('scene', {str(Path(__file__))!r})\n"
        "scene = importlib.util.module_from_spec(spec); spec.loader.exec_module(scene)\n"
        "r = scene.MitsubaRenderer(samples=4); r.load(scene.street())\n"
        "w = scene.Weather(precipitation=50, precipitation_deposits=50, cloudiness=40)\n"
        "image = r.render([scene.camera()], [scene.body(1, 8, 0)], w)[0]\n"
        "print(hashlib.sha256(image.tobytes()).hexdigest())\n"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300, check=True
    )
    weather = Weather(precipitation=50, precipitation_deposits=50, cloudiness=40)
    here = renderer.render([camera()], [body(1, 8, 0)], weather)[0]
    assert done.stdout.split()[-1] == hashlib.sha256(here.tobytes()).hexdigest()


def test_dusk_is_darker_than_noon(renderer):
    levels = [
        light(renderer.render([camera()], [], Weather(sun_altitude_angle=a, sun_azimuth_angle=90))[0]).mean()
        for a in (45.0, 4.0, -3.0)
    ]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 0.75 * levels[0]


def test_the_sun_throws_a_shadow_and_clouds_take_it_away(renderer):
    post = body(1, 9, 0, (1, 1, 3))
    above = np.array([[0.8, 0, 0.6, 0], [0, 1, 0, 0], [-0.6, 0, 0.8, 6], [0, 0, 0, 1.0]])

    def darker(cloudiness):
        """Pixels beside the post that it darkens."""
        weather = Weather(cloudiness=cloudiness, sun_altitude_angle=35, sun_azimuth_angle=90)
        kinds = ("rgb", "instance_segmentation")
        cameras = [Camera(kind, WIDTH, HEIGHT, 90.0, above, UNCLIPPED) for kind in kinds]
        with_it, number = renderer.render(cameras, [post], weather)
        without = renderer.render(cameras, [], weather)[0]
        return (light(with_it) < 0.75 * light(without)) & (number[..., 1] != 1)

    clear, cloudy = darker(0), darker(100)
    assert clear.sum() > 60
    assert cloudy.sum() < 0.25 * clear.sum()
    # CARLA's azimuth 90 is to its right: the shadow lies to the left.
    assert np.nonzero(clear)[1].mean() < 0.45 * WIDTH


def test_fog_takes_contrast_with_distance(renderer):
    things = [
        body(1, 8, 1.5, material=Material("black", (0.02, 0.02, 0.02))),
        body(2, 45, -6, (4, 8, 8), Material("dark", (0.02, 0.02, 0.02))),
    ]
    number = renderer.render([camera("instance_segmentation")], things, Weather())[0][..., 1]

    def contrast(weather, which):
        image = light(renderer.render([camera()], things, weather)[0])
        return abs(image[number == which].mean() - image[HEIGHT // 2 - 12 : HEIGHT // 2 - 8].mean())

    clear, foggy = Weather(), Weather(fog_density=60)
    near = contrast(foggy, 1) / contrast(clear, 1)
    far = contrast(foggy, 2) / contrast(clear, 2)
    assert far < 0.6 * near
    assert far < 0.5


def test_wet_and_rain_change_the_picture_and_no_label(renderer):
    kinds = ("rgb", "semantic_segmentation", "instance_segmentation", "depth")
    dry = renderer.render([camera(k) for k in kinds], [body(1, 8, 0)], Weather())
    for weather in (Weather(precipitation_deposits=80), Weather(precipitation=90, wetness=80), Weather(fog_density=70)):
        wet = renderer.render([camera(k) for k in kinds], [body(1, 8, 0)], weather)
        road = dry[1][..., 2] == 1
        assert np.abs(light(dry[0])[road] - light(wet[0])[road]).mean() > 3
        assert all(np.array_equal(a, b) for a, b in zip(dry[1:], wet[1:], strict=True))


def test_exposure_options_are_honoured(renderer):
    plain, brighter, manual = (
        light(renderer.render([camera(**options)], [], Weather())[0]).mean()
        for options in ({}, {"exposure_compensation": "1.0"}, {"exposure_mode": "manual"})
    )
    assert brighter > 1.15 * plain
    assert abs(manual / plain - 1) < 0.4


def test_emission_glows_at_dusk(renderer):
    lamp = body(1, 6, 0, (0.5, 0.5, 0.5), Material("lamp", (0.9, 0.9, 0.9), emission=(1.0, 0.6, 0.2)))
    dull = body(2, 6, 0, (0.5, 0.5, 0.5), Material("dull", (0.9, 0.9, 0.9)))
    dusk = Weather(sun_altitude_angle=2)
    dark = camera(**UNCLIPPED)
    lit, unlit = (renderer.render([dark], [o], dusk)[0].astype(int) for o in (lamp, dull))
    mask = renderer.render([camera("semantic_segmentation")], [lamp], dusk)[0][..., 2] == 17
    assert lit[mask][:, 2].mean() > unlit[mask][:, 2].mean() + 40
    assert lit[mask][:, 2].mean() > lit[mask][:, 0].mean() + 20


def test_scalar_and_wide_agree(renderer):
    if renderer.variant.name == SCALAR_VARIANT:
        pytest.skip("no usable LLVM here: there is nothing to compare")
    plain = MitsubaRenderer(SCALAR_VARIANT, samples=4)
    plain.load(street())
    kinds = ("rgb", "semantic_segmentation", "instance_segmentation", "depth")
    small = [Camera(k, 48, 32, 90.0, camera().pose) for k in kinds]
    objects = [body(1, 6, 0), body(2, 9, 2.5, (1, 1, 2))]
    one, other = plain.render(small, objects, Weather()), renderer.render(small, objects, Weather())
    assert np.array_equal(one[1], other[1])
    assert np.array_equal(one[2], other[2])
    assert np.abs(light(one[0]) - light(other[0])).mean() < 8
    assert plain.cast(np.array([6, 0, 5.0]), np.array([0, 0, -1.0]), 9, objects)[0].object_id == 1


def test_fog_is_thinner_higher_up_and_starts_at_its_distance():
    fog = atmosphere.fog_of(Weather(fog_density=50, fog_falloff=1.0, fog_distance=10))
    far = np.array([200.0])
    level, climbing = (atmosphere.optical_depth(fog, 1.5, np.array([rise]), far)[0] for rise in (0.0, 0.3))
    assert climbing < 0.5 * level
    assert atmosphere.optical_depth(fog, 1.5, np.array([0.0]), np.array([9.0]))[0] == 0
    assert atmosphere.fog_of(Weather(fog_density=0)).extinction == 0


def test_the_scalar_fallback_draws_surfaces_that_give_light_and_every_row_of_lights(monkeypatch):
    def seen(*objects):
        renderer = MitsubaRenderer(SCALAR_VARIANT, samples=2, denoise=False)
        renderer.load(street())
        night = Weather(sun_altitude_angle=-30)
        return light(renderer.render([camera(exposure_mode="manual")], objects, night)[0]).astype(float)

    dark = seen(body(1, 8, 0))
    lit = seen(body(1, 8, 0, material=Material("lamp", (0.7, 0.1, 0.1), emission=(30.0, 30.0, 30.0))))
    centre = np.s_[HEIGHT // 2 + 6, WIDTH // 2]
    assert lit[centre].min() > dark[centre].max() + 100
    ground = np.s_[HEIGHT // 2 + 11 : HEIGHT // 2 + 14, WIDTH // 2]  # a metre before the lamp
    assert lit[ground].mean() > dark[ground].mean() + 10
    point = {"type": "point", "position": [4.0, 0, 3.0], "intensity": {"type": "rgb", "value": 90.0}}
    monkeypatch.setitem(LIGHTS, "lamp", LightKind(lambda _: None, lambda _: {"lamp": point}))
    assert seen(body(1, 8, 0))[ground].mean() > dark[ground].mean() + 10


def test_a_broken_llvm_falls_back_to_scalar(tmp_path):
    broken = tmp_path / "libLLVM.so"
    broken.write_bytes(b"not a library")
    environment = {**os.environ, "DRJIT_LIBLLVM_PATH": str(broken)}
    assert llvm_candidates(environment) == [str(broken)]
    assert choose_variant(None, environment).name in (SCALAR_VARIANT, "cuda_ad_rgb")
    with pytest.raises(RenderError, match="install libllvm19"):
        choose_variant(LLVM_VARIANT, environment)
    with pytest.raises(RenderError, match="unknown"):
        choose_variant("llvm_rgb")


@pytest.mark.gpu
def test_cuda_and_llvm_agree(renderer):
    try:
        fast = MitsubaRenderer(CUDA_VARIANT, samples=4)
    except RenderError:
        pytest.skip("no NVIDIA GPU with OptiX here")
    fast.load(street())
    kinds = ("rgb", "semantic_segmentation", "instance_segmentation")
    objects = [body(1, 8, 0), body(2, 9, 2.5, (1, 1, 2))]
    one, other = (r.render([camera(k) for k in kinds], objects, Weather()) for r in (fast, renderer))
    assert (one[1] != other[1]).any(axis=-1).mean() < 0.002
    assert (one[2] != other[2]).any(axis=-1).mean() < 0.002
    assert np.abs(light(one[0]) - light(other[0])).mean() < 3

"""The reflection of surfaces: no more light leaves than arrives, and sampling agrees with evaluation."""

import numpy as np
import pytest

from hazardsim.server.render.bsdf import ShadingPoint, evaluate, sample
from hazardsim.server.render.variant import activate, choose_variant, native

COUNT = 1 << 16


@pytest.fixture(scope="module", autouse=True)
def variant():
    chosen = choose_variant()
    if not chosen.vectorised:
        pytest.skip("no usable LLVM here: Mitsuba's own materials are used")
    activate(chosen)


def shading(alpha, specular=0.04, diffuse=0.9, translucent=0.0):
    _, mi = native()
    up = mi.Vector3f(0, 0, 1)
    return ShadingPoint(up, up, mi.Color3f(diffuse), mi.Color3f(specular), mi.Float(alpha), mi.Float(translucent))


def uniform(count):
    _, mi = native()
    numbers = np.random.default_rng(0).random((3, count), dtype=np.float32)
    return [mi.Float(row) for row in numbers]


def viewer(degrees):
    _, mi = native()
    return mi.Vector3f(float(np.sin(np.radians(degrees))), 0, float(np.cos(np.radians(degrees))))


@pytest.mark.parametrize("angle", [5, 45])
@pytest.mark.parametrize(("alpha", "specular", "translucent"), [(0.5, 0.04, 0.0), (0.25, 0.9, 0.0), (0.8, 0.04, 0.3)])
def test_sampled_weights_sum_up_to_the_integral_of_the_evaluation(angle, alpha, specular, translucent):
    dr, mi = native()
    point, view = shading(alpha, specular, translucent=translucent), viewer(angle)
    _, weight, _ = sample(point, view, *uniform(COUNT))
    sampled = float(np.array(dr.mean(weight.x)).item())
    _, first, second = uniform(COUNT)
    sphere = mi.warp.square_to_uniform_sphere(mi.Point2f(first, second))
    integral = float(np.array(dr.mean(evaluate(point, view, sphere).x)).item()) * 4 * np.pi
    assert sampled == pytest.approx(integral, rel=0.05)


@pytest.mark.parametrize("angle", [5, 45, 75, 88])
@pytest.mark.parametrize(("alpha", "diffuse"), [(0.05, 1.0), (0.5, 1.0), (1.0, 1.0), (0.3, 0.0)])
def test_no_surface_sends_on_more_light_than_arrives(angle, alpha, diffuse):
    dr, _ = native()
    _, weight, _ = sample(shading(alpha, diffuse=diffuse), viewer(angle), *uniform(COUNT))
    assert 0 < float(np.array(dr.mean(weight.x)).item()) <= 1.001


def test_a_matt_surface_is_reciprocal():
    point = shading(0.7)
    here, there = viewer(20), viewer(-60)
    forth = np.array(evaluate(point, here, there)).ravel()[0] / np.cos(np.radians(60))
    back = np.array(evaluate(point, there, here)).ravel()[0] / np.cos(np.radians(20))
    # Fresnel of the base is taken at the half vector, so that both ways agree.
    assert forth == pytest.approx(back, rel=1e-4)

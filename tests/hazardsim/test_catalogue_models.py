"""Procedural anomalies and street models: size, stand, determinism."""

import subprocess
import sys

import numpy as np
import pytest

from hazardsim.catalogue.library import Catalogue, load_catalogue
from hazardsim.catalogue.procedural import RECIPES, procedural_model
from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import creased_normals, part
from hazardsim.mesh.model import Material, Model
from hazardsim.mesh.shape import box, cylinder, ellipsoid, revolve, torus, tube
from hazardsim.street.blueprints import VEHICLES, WALKERS, vehicle_model, walker_model


@pytest.fixture
def bare(tmp_path) -> Catalogue:
    return load_catalogue(tmp_path / "no-packs")


def assert_stands(model: Model, size_m: tuple[float, float, float]) -> None:
    low, high = model.bounds()
    assert high - low == pytest.approx(size_m, rel=0.01)
    assert low[2] == pytest.approx(0.0, abs=1e-4)
    assert (low + high)[:2] / 2 == pytest.approx([0.0, 0.0], abs=1e-3)
    for item in model.parts:
        assert np.isfinite(item.vertices).all()
        assert len(item.faces) > 0
        assert item.normals is not None
        assert np.linalg.norm(item.normals, axis=1) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("asset_id", sorted(RECIPES))
def test_a_procedural_anomaly_has_its_declared_size_and_stands_on_the_origin(asset_id):
    assert_stands(procedural_model(asset_id), RECIPES[asset_id].size_m)


@pytest.mark.parametrize("asset_id", sorted(RECIPES))
def test_a_recipe_is_not_much_stretched_to_its_declared_size(asset_id):
    recipe = RECIPES[asset_id]
    low, high = Model("", tuple(recipe.build(np.random.default_rng(0)))).bounds()
    assert np.asarray(recipe.size_m) / (high - low) == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize("spec", VEHICLES, ids=lambda s: s.blueprint)
def test_a_procedural_vehicle_has_its_declared_size(spec, tmp_path):
    assert_stands(vehicle_model(spec.blueprint, (0.4, 0.1, 0.1), tmp_path), spec.size_m)


@pytest.mark.parametrize("spec", WALKERS, ids=lambda s: s.blueprint)
def test_a_procedural_walker_has_its_declared_size(spec, tmp_path):
    assert_stands(walker_model(spec.blueprint, tmp_path), spec.size_m)


def test_the_street_has_every_kind_and_no_blueprint_twice():
    assert {s.kind for s in VEHICLES} == {"car", "truck", "bus", "motorcycle", "bicycle"}
    names = [s.blueprint for s in VEHICLES] + [s.blueprint for s in WALKERS]
    assert len(names) == len(set(names))
    assert {s.tag for s in VEHICLES} == {14, 15, 16, 18, 19}


def test_paint_changes_the_key_and_nothing_but_paint(tmp_path):
    red = vehicle_model("vehicle.seat.leon", (0.6, 0.0, 0.0), tmp_path)
    blue = vehicle_model("vehicle.seat.leon", (0.0, 0.0, 0.6), tmp_path)
    assert red.key != blue.key
    for a, b in zip(red.parts, blue.parts, strict=True):
        assert np.array_equal(a.vertices, b.vertices)
        assert a.material == b.material or a.material.name == "paint"


def test_models_are_the_same_in_another_process(bare):
    code = (
        "import sys; from pathlib import Path; from hazardsim.catalogue.library import load_catalogue;"
        "from hazardsim.street.blueprints import vehicle_model, walker_model; root = Path(sys.argv[1]);"
        "print(load_catalogue(root).digest, vehicle_model('vehicle.audi.tt', (0.1, 0.2, 0.3), root).key,"
        "walker_model('walker.pedestrian.0003', root).key)"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code, "/nonexistent"],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert runs.pop().split()[0] == bare.digest


def test_there_are_enough_procedural_anomalies_in_both_splits(bare):
    assert len(bare.assets) >= 12
    assert len(bare.of_split("test")) >= 4
    assert len(bare.of_split("validation")) >= 4
    assert {a.category for a in bare.of_split("test")}.isdisjoint(a.category for a in bare.of_split("validation"))


def test_an_unknown_asset_is_named_with_close_matches(bare):
    with pytest.raises(AssetError, match=r"procedural-soffa.*did you mean procedural-sofa"):
        bare.get("procedural-soffa")


def test_an_asset_of_a_pack_that_is_not_fetched_says_how_to_fetch_it(bare):
    with pytest.raises(AssetError, match=r"sh3d-dog.*not fetched.*hazardsim assets fetch"):
        bare.model("sh3d-dog")


def test_a_catalogue_refuses_a_category_in_both_splits(bare):
    from dataclasses import replace

    one = bare.get("procedural-sofa")
    other = replace(one, id="other-sofa", split="validation" if one.split == "test" else "test")
    with pytest.raises(AssetError, match="in both splits"):
        Catalogue([(one, lambda: bare.model(one.id)), (other, lambda: bare.model(one.id))])


@pytest.mark.parametrize(
    ("shape", "volume"),
    [
        (box((2, 3, 4)), 24.0),
        (box((2, 3, 4), 0.2, 6), 23.4),
        (cylinder(1.0, 2.0, 64), 2 * np.pi),
        (ellipsoid((2, 2, 2), 40, 60), 4 / 3 * np.pi),
        (torus(2.0, 0.5, 80, 40), 2 * np.pi**2 * 2 * 0.25),
        (revolve([(0, 0), (1, 0), (1, 1), (0, 1)], 64), np.pi),
        (tube([(0, 0, 0), (0, 1, 0), (0, 2, 0)], 0.5, 64), np.pi / 2),
    ],
)
def test_shapes_are_closed_and_face_outwards(shape, volume):
    a, b, c = (shape.points[shape.faces[:, k]] for k in range(3))
    assert float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6) == pytest.approx(volume, rel=0.015)


def test_normals_are_smooth_on_a_cylinder_and_sharp_at_its_rim():
    shape = cylinder(1.0, 1.0, 48)
    normals = creased_normals(np.round(shape.points, 6), shape.faces)
    flat = np.abs(normals[..., 2]) > 0.999
    radial = np.abs(normals[..., 2]) < 0.001
    assert (flat | radial).all()
    points = shape.points[shape.faces]
    assert np.allclose(normals[radial][:, :2], points[radial][:, :2], atol=0.01)


def test_texture_coordinates_are_in_metres():
    made = part([box((2.0, 3.0, 4.0))], Material("m"))
    assert np.ptp(made.uv[:, 0]) == pytest.approx(3.0)
    assert np.ptp(made.uv[:, 1]) == pytest.approx(5.5, abs=1.5)

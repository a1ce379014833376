"""The ordinary traffic: every blueprint has a model of its declared size."""

import numpy as np
import pytest

from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import model
from hazardsim.street.blueprints import VEHICLES, WALKERS, vehicle_model, vehicle_spec, walker_model, walker_spec
from hazardsim.street.car_forms import FORMS
from hazardsim.street.cars import car_parts
from hazardsim.street.cycles import cycle_parts
from hazardsim.street.lorries import LORRIES, bus_parts, lorry_parts


@pytest.mark.parametrize("spec", VEHICLES, ids=lambda s: s.blueprint)
def test_a_procedural_vehicle_has_its_declared_size(spec, tmp_path, assert_stands):
    assert_stands(vehicle_model(spec.blueprint, (0.4, 0.1, 0.1), tmp_path), spec.size_m)


@pytest.mark.parametrize("spec", WALKERS, ids=lambda s: s.blueprint)
def test_a_procedural_walker_has_its_declared_size(spec, tmp_path, assert_stands):
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


RED = (0.6, 0.0, 0.0)


@pytest.mark.parametrize(
    ("blueprint", "build"),
    [
        ("vehicle.seat.leon", lambda spec: car_parts(FORMS[spec.form], spec.size_m, RED)),
        ("vehicle.carlamotors.firetruck", lambda spec: lorry_parts(LORRIES[spec.form], spec.size_m, RED)),
        ("vehicle.mitsubishi.fusorosa", lambda spec: bus_parts(spec.size_m, RED)),
        ("vehicle.vespa.zx125", lambda spec: cycle_parts(spec.form, spec.size_m, RED)),
    ],
)
def test_a_painted_vehicle_is_what_would_be_built_in_that_paint(blueprint, build, tmp_path):
    vehicle_model(blueprint, (0.0, 0.0, 0.6), tmp_path)
    built = model(blueprint, build(vehicle_spec(blueprint)))
    assert vehicle_model(blueprint, RED, tmp_path).key == built.key  # a digest over forms and materials


def test_children_are_smaller_and_say_their_age():
    children = [w.size_m[2] for w in WALKERS if w.age == "child"]
    adults = [w.size_m[2] for w in WALKERS if w.age == "adult"]
    assert len(children) == 6
    assert max(children) < min(adults)


def test_an_unknown_blueprint_is_named():
    with pytest.raises(AssetError, match=r"no vehicle 'vehicle\.opel\.manta'; known: .*vehicle\.audi\.a2"):
        vehicle_spec("vehicle.opel.manta")
    with pytest.raises(AssetError, match=r"no walker 'walker\.pedestrian\.0099'"):
        walker_spec("walker.pedestrian.0099")

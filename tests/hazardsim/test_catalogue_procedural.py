"""Procedural anomalies: real sizes, standing on the origin."""

import numpy as np
import pytest

from hazardsim.catalogue.procedural import RECIPES, furniture, goods, outdoors, procedural_model
from hazardsim.mesh.model import Model


@pytest.mark.parametrize("asset_id", sorted(RECIPES))
def test_a_procedural_anomaly_has_its_declared_size_and_stands_on_the_origin(asset_id, assert_stands):
    assert_stands(procedural_model(asset_id), RECIPES[asset_id].size_m)


@pytest.mark.parametrize("asset_id", sorted(RECIPES))
def test_a_recipe_is_not_much_stretched_to_its_declared_size(asset_id):
    recipe = RECIPES[asset_id]
    low, high = Model("", tuple(recipe.build(np.random.default_rng(0)))).bounds()
    assert np.asarray(recipe.size_m) / (high - low) == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize("asset_id", sorted(RECIPES))
def test_a_recipe_draws_from_its_generator_alone(asset_id):
    build = RECIPES[asset_id].build
    first, again = (build(np.random.default_rng(5)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert a.material == b.material
        np.testing.assert_array_equal(a.vertices, b.vertices)


def test_every_builder_of_an_anomaly_has_a_recipe():
    """A function of these modules that takes a generator alone is an anomaly; a forgotten row would never be placed."""
    listed = {recipe.build for recipe in RECIPES.values()}
    for module in (furniture, goods, outdoors):
        for name, value in vars(module).items():
            if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_"):
                assert value in listed, f"{module.__name__}.{name}"

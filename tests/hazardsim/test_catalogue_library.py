"""The catalogue: splits, digests, what it says of an asset that is not there."""

import subprocess
import sys
from dataclasses import replace

import pytest

from hazardsim.catalogue.library import Catalogue, load_catalogue
from hazardsim.catalogue.splits import ANOMALY_SPLITS, split_of_category
from hazardsim.errors import AssetError


@pytest.fixture
def bare(tmp_path) -> Catalogue:
    return load_catalogue(tmp_path / "no-packs")


@pytest.mark.slow
def test_models_are_the_same_in_another_process(bare, tmp_path):
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
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin", "HAZARDSIM_CACHE": str(tmp_path / seed)},
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
    one = bare.get("procedural-sofa")
    other = replace(one, id="other-sofa", split="validation" if one.split == "test" else "test")
    with pytest.raises(AssetError, match="in both splits"):
        Catalogue([(one, lambda: bare.model(one.id)), (other, lambda: bare.model(one.id))])


def test_every_category_of_the_catalogue_has_its_split_from_the_one_table(bare):
    table = split_of_category()
    assert set(table.values()) == set(ANOMALY_SPLITS)
    assert all(asset.split == table[asset.category] for asset in bare.assets)


def test_a_category_in_two_splits_is_refused(tmp_path):
    path = tmp_path / "categories.yaml"
    path.write_text("validation: [sofa, boat]\ntest: [boat]\n")
    with pytest.raises(AssetError, match=r"categories\.yaml: category 'boat' is listed twice"):
        split_of_category(path)

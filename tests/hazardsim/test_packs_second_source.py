"""A second source of models is a class and a line in `PACKS`: fetched, listed, placed, driven, without another edit."""

import hashlib

import numpy as np
import pytest

from hazardsim.catalogue.library import load_catalogue
from hazardsim.commands.assets_fetch import AssetsFetch
from hazardsim.errors import AssetError
from hazardsim.mesh.assemble import part
from hazardsim.mesh.model import Material
from hazardsim.mesh.shape import box
from hazardsim.packs import PACKS
from hazardsim.packs.entries import PackContents, PackedAnomaly, PackedPerson, PackedVehicle
from hazardsim.packs.fetch import fetch_pack, missing_entries
from hazardsim.packs.pack import ConvertedModel, Provenance
from hazardsim.street.blueprints import vehicle_model, walker_model

BYTES = b"boxes"


class Boxes:
    """Every model of this source is a box; its archive is a file that says so."""

    name = "boxes"
    version = "3"

    def __init__(self, category="sofa"):
        self.category = category

    def contents(self):
        return PackContents(
            (PackedAnomaly("boxes-sofa", "box/1", self.category),),
            (PackedVehicle("boxes-car", "box/2", "vehicle.audi.a2", body=("cardboard",)),),
            (PackedPerson("boxes-man", "box/3", ("walker.pedestrian.0004",)),),
        )

    def origin(self):
        return {"name": self.name, "version": self.version}

    def attribution(self):
        return ("Boxes, all of them.",)

    def download_notice(self):
        return "five bytes of cardboard"

    def download(self, into):
        archive = into / "boxes.bin"
        archive.write_bytes(BYTES)
        return archive

    def models(self, archive, wanted, scratch):
        if hashlib.sha256(archive.read_bytes()).digest() != hashlib.sha256(BYTES).digest():
            raise AssetError(f"{archive} is no archive of boxes; refused")
        for entry in wanted:
            made = part([box((2.0, 1.0, 1.0))], Material("cardboard", (0.6, 0.5, 0.3)))
            whose = Provenance(entry.model, "a box", "nobody", "CC0-1.0", "https://c/", "boxes.bin")
            yield entry, whose, ConvertedModel((made,), {}, ("folded",), (2.0, 1.0, 1.0), len(made.faces))


@pytest.fixture
def boxes(monkeypatch):
    monkeypatch.setitem(PACKS, "boxes", Boxes())
    return PACKS["boxes"]


def test_a_second_pack_is_fetched_by_its_name(boxes, tmp_path, capsys):
    assert AssetsFetch(pack="boxes", yes=True, cache=tmp_path).run() == 0
    told = capsys.readouterr()
    assert "Will download five bytes of cardboard" in told.err
    assert told.out.startswith("3 models in ")
    text = (tmp_path / "packs" / "boxes").glob("3-*/ATTRIBUTION.md")
    assert "nobody, CC0-1.0" in next(text).read_text()


def test_its_anomalies_join_the_catalogue_and_its_street_models_the_traffic(boxes, tmp_path):
    before = load_catalogue(tmp_path)
    plain = vehicle_model("vehicle.audi.a2", (0.2, 0.3, 0.4), tmp_path)
    fetch_pack(boxes, boxes.download(tmp_path), tmp_path / "new", progress=False)
    after = load_catalogue(tmp_path / "new")
    assert {a.id for a in after.assets} - {a.id for a in before.assets} == {"boxes-sofa"}
    assert after.get("boxes-sofa").split == before.get("procedural-sofa").split
    low, high = after.model("boxes-sofa").bounds()
    np.testing.assert_allclose(high - low, [2.0, 1.0, 1.0], atol=1e-4)
    car = vehicle_model("vehicle.audi.a2", (0.2, 0.3, 0.4), tmp_path / "new")
    assert car.key != plain.key
    assert car.parts[0].material.colour == (0.2, 0.3, 0.4)
    low, high = walker_model("walker.pedestrian.0004", tmp_path / "new").bounds()
    assert high[2] - low[2] == pytest.approx(1.77, abs=1e-3)


def test_a_model_of_a_pack_that_is_not_fetched_names_the_command(boxes, tmp_path):
    with pytest.raises(AssetError, match="hazardsim assets fetch --pack boxes"):
        load_catalogue(tmp_path).get("boxes-sofa")


def test_an_unknown_pack_is_answered_with_those_there_are(boxes, tmp_path):
    with pytest.raises(AssetError, match="no pack 'bxes'; there are: sweethome3d, boxes"):
        AssetsFetch(pack="bxes", cache=tmp_path).run()


def test_a_category_without_a_split_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(PACKS, "boxes", Boxes(category="cardboard"))
    with pytest.raises(AssetError, match=r"boxes-sofa: category 'cardboard' has no split in assets/categories\.yaml"):
        load_catalogue(tmp_path)


def test_a_refused_archive_leaves_the_pack_missing(boxes, tmp_path):
    (tmp_path / "evil").write_bytes(b"bombs")
    with pytest.raises(AssetError, match="refused"):
        fetch_pack(boxes, tmp_path / "evil", tmp_path, progress=False)
    assert len(missing_entries(boxes, tmp_path)) == 3
    with pytest.raises(AssetError, match="3 models of the pack 'boxes' are missing"):
        fetch_pack(boxes, None, tmp_path, progress=False)


@pytest.mark.parametrize("name", sorted(PACKS))
def test_every_pack_has_its_own_name_unique_ids_and_a_split_for_each_category(name):
    entries = PACKS[name].contents().entries()
    assert PACKS[name].name == name
    assert len({e.id for e in entries}) == len(entries) > 0
    load_catalogue()

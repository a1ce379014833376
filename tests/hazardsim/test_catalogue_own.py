"""A mesh file of the user's own becomes an anomaly like any other."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from hazardsim.catalogue.library import load_catalogue
from hazardsim.catalogue.own import OwnModel, add_own
from hazardsim.commands.assets_add import AssetsAdd
from hazardsim.errors import AssetError


@pytest.fixture
def box(tmp_path):
    """A box 0.4 right, 2 up, 1 deep, y up as glTF has it, with a picture."""
    mesh = trimesh.creation.box((0.4, 2.0, 1.0))
    picture = Image.fromarray(np.full((4, 4, 3), (200, 40, 30), np.uint8))
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=picture, roughnessFactor=0.3)
    mesh.visual = trimesh.visual.TextureVisuals(uv=mesh.vertices[:, :2], material=material)
    mesh.export(tmp_path / "box.glb")
    return tmp_path / "box.glb"


def test_it_joins_the_catalogue_and_stands_upright(box, tmp_path, capsys):
    assert AssetsAdd(box, id="my-box", category="sofa", licence="CC0", cache=tmp_path / "cache").run() == 0
    assert "my-box: 1.00 x 0.40 x 2.00 m" in capsys.readouterr().out
    catalogue = load_catalogue(tmp_path / "cache")
    asset = catalogue.get("my-box")
    assert (asset.category, asset.split, asset.source, asset.licence) == ("sofa", "test", "own", "CC0")
    assert asset.size_m == pytest.approx((1.0, 0.4, 2.0))
    low, high = catalogue.model("my-box").bounds()
    assert low == pytest.approx([-0.5, -0.2, 0.0], abs=1e-4)
    assert high == pytest.approx([0.5, 0.2, 2.0], abs=1e-4)
    (part,) = catalogue.model("my-box").parts
    assert part.material.texture.read_bytes().startswith(b"\x89PNG")
    assert part.material.roughness == pytest.approx(0.3)


def test_the_digest_tells_catalogues_apart(box, tmp_path):
    before = load_catalogue(tmp_path / "cache").digest
    add_own(box, OwnModel("my-box", "sofa"), tmp_path / "cache")
    assert load_catalogue(tmp_path / "cache").digest != before


def test_a_file_in_other_units_is_scaled_and_turned(tmp_path):
    trimesh.creation.box((300.0, 100.0, 500.0)).export(tmp_path / "box.stl")
    with pytest.raises(AssetError, match="--height-m"):
        add_own(tmp_path / "box.stl", OwnModel("my-box", "sofa"), tmp_path)
    stored, _ = add_own(tmp_path / "box.stl", OwnModel("my-box", "sofa", height_m=1.0, turn_deg=90.0), tmp_path)
    assert stored.size_m == pytest.approx((0.2, 0.6, 1.0), abs=1e-3)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (OwnModel("My Box", "sofa"), "lower case"),
        (OwnModel("my-box", "spaceship"), "--split"),
        (OwnModel("my-box", "sofa", "validation"), "belongs to test"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(box, tmp_path, told, words):
    with pytest.raises(AssetError, match=words) as refused:
        add_own(box, told, tmp_path / "cache")
    assert "\n" not in str(refused.value)
    assert load_catalogue(tmp_path / "cache").of_split("test")
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_a_new_category_keeps_its_split(box, tmp_path):
    add_own(box, OwnModel("ufo", "spaceship", "validation"), tmp_path)
    with pytest.raises(AssetError, match="belongs to validation"):
        add_own(box, OwnModel("other-ufo", "spaceship", "test"), tmp_path)
    assert add_own(box, OwnModel("other-ufo", "spaceship"), tmp_path)[1] == "validation"
    add_own(box, OwnModel("ufo", "spaceship"), tmp_path)  # replaced
    assert len(list(tmp_path.glob("own/*.json"))) == 2


def test_others_models_are_not_replaced(box, tmp_path):
    with pytest.raises(AssetError, match="taken"):
        AssetsAdd(box, id="procedural-sofa", category="sofa", cache=tmp_path).run()


@pytest.mark.parametrize("content", [b"", b"no mesh", b"glTF\x02\x00\x00\x00"])
def test_what_is_no_mesh_is_named(tmp_path, content):
    (tmp_path / "thing.glb").write_bytes(content)
    with pytest.raises(AssetError, match=r"thing\.glb"):
        add_own(tmp_path / "thing.glb", OwnModel("thing", "sofa"), tmp_path)


def test_a_damaged_one_is_named_with_what_to_do(box, tmp_path):
    add_own(box, OwnModel("my-box", "sofa"), tmp_path)
    (tmp_path / "own/my-box.json").write_text("{")
    with pytest.raises(AssetError, match="remove it and add"):
        load_catalogue(tmp_path)


def test_colours_of_faces_are_kept_apart(tmp_path):
    mesh = trimesh.creation.box((1.0, 1.0, 1.0))
    mesh.visual.face_colors = np.array([[250, 0, 0, 255]] * 6 + [[0, 0, 250, 255]] * 6, np.uint8)
    mesh.export(tmp_path / "box.ply")
    add_own(tmp_path / "box.ply", OwnModel("my-box", "sofa"), tmp_path)
    parts = load_catalogue(tmp_path).model("my-box").parts
    assert len(parts) >= 2
    assert {part.material.colour[0] > 0.5 for part in parts} == {True, False}

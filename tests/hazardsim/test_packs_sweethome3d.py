"""The fetched pack: archives, conversion traps, cache, on a small hand-made package."""

import hashlib
import io
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hazardsim.catalogue.library import load_catalogue
from hazardsim.catalogue.splits import Categories
from hazardsim.commands.assets_fetch import AssetsFetch
from hazardsim.commands.assets_list import AssetsList
from hazardsim.errors import AssetError
from hazardsim.packs import PACKS, fetch
from hazardsim.packs.entries import PackedAnomaly
from hazardsim.packs.store import fetched_records, load_model, pack_folder, stored_asset
from hazardsim.packs.sweethome3d.curated import CuratedList, Library, Package, curated_list
from hazardsim.packs.sweethome3d.debian_package import unpack_deb
from hazardsim.packs.sweethome3d.fit import convert
from hazardsim.packs.sweethome3d.furniture_library import FurnitureLibrary
from hazardsim.packs.sweethome3d.pack import SweetHome3D
from hazardsim.street.blueprints import VEHICLES, WALKERS, vehicle_model, walker_model
from hazardsim.yaml_files import read_listing

# A box 2 wide (x), 3 high (y) and 4 deep (z), off its origin, a wedge on top of its front edge.
BOX = """mtllib model.mtl
v 10 5 20
v 12 5 20
v 12 8 20
v 10 8 20
v 10 5 24
v 12 5 24
v 12 8 24
v 10 8 24
v 500 500 500
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl skin
f 1/1 4/4 3/3 2/2
f 5/1 6/2 7/3 8/4
f 1/1 2/2 6/3 5/4
f 4/1 8/2 7/3 3/4
f 1/1 5/2 8/3 4/4
usemtl side
f 2/1 3/2 7/3 6/4
l 1 2
"""

MTL = """newmtl skin
Kd 0 0 0
Ks 0.5 0.5 0.5
Ns 96
map_Kd skin picture.png
newmtl side
Kd 0.2 0.4 0.6
d 0.5
map_Kd /etc/secret.png
"""


def picture(colour=(200, 30, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def catalogue_of(entries: list[dict[str, str]]) -> str:
    lines = ["id=Test", "name=Prüfung"]
    for number, entry in enumerate(entries, 1):
        lines += [f"{key}#{number}={value}" for key, value in entry.items()]
    return "\n".join(lines)


def entry(name="box", **changes: str) -> dict[str, str]:
    base = {"id": f"Test#{name}", "name": "B\\u00f6x", "creator": "Jos\xe9", "model": f"/test/{name}/model.obj"}
    return base | {"width": "200", "depth": "400", "height": "300"} | changes


def library_bytes(files: dict[str, bytes | str], entries: list[dict[str, str]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", catalogue_of(entries).encode("latin-1"))
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def box_files(name="box", obj=BOX, mtl=MTL, mtl_name="model.mtl") -> dict[str, bytes | str]:
    folder = f"test/{name}/"
    return {f"{folder}model.obj": obj, f"{folder}{mtl_name}": mtl, f"{folder}skin picture.png": picture()}


def opened(tmp_path: Path, files: dict[str, bytes | str], entries: list[dict[str, str]]) -> FurnitureLibrary:
    path = tmp_path / "test.sh3f"
    path.write_bytes(library_bytes(files, entries))
    return FurnitureLibrary(path)


def deb_bytes(files: dict[str, bytes]) -> bytes:
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": lzma.compress(inner.getvalue())}
    out = b"!<arch>\n"
    for name, content in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        out += content + b"\n" * (len(content) % 2)
    return out


def pack_of(names: list[str], tmp_path: Path, files=None) -> tuple[SweetHome3D, Path]:
    everything: dict[str, bytes | str] = {}
    for name in names:
        everything |= box_files(name)
    content = library_bytes(files or everything, [entry(name) for name in names])
    deb = tmp_path / "furniture.deb"
    deb.write_bytes(deb_bytes({"./usr/share/sweethome3d/furniture/Test.sh3f": content}))
    listed = CuratedList(
        package=Package("furniture", "1.0", deb.stat().st_size, hashlib.sha256(deb.read_bytes()).hexdigest()),
        libraries=(Library("Test.sh3f", len(content), hashlib.sha256(content).hexdigest(), "CC-BY-3.0", "https://l/"),),
        anomalies=tuple(PackedAnomaly(f"sh3d-{name}", f"Test#{name}", "sofa") for name in names),
        vehicles=(),
        people=(),
    )
    return SweetHome3D(listed), deb


def test_a_model_is_scaled_turned_and_set_on_its_base(tmp_path):
    with opened(tmp_path, box_files(), [entry()]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert made.size_m == pytest.approx((4.0, 2.0, 3.0), abs=1e-3)
    low = np.min([p.vertices.min(axis=0) for p in made.parts], axis=0)
    assert low == pytest.approx([-2.0, -1.0, 0.0], abs=1e-4)
    assert made.triangles == 12
    textured = next(p for p in made.parts if p.material.name == "skin")
    front = textured.normals[:, 0] > 0.9
    assert textured.vertices[front][:, 0] == pytest.approx(2.0, abs=1e-4)


def test_a_model_that_faces_elsewhere_is_turned(tmp_path):
    with opened(tmp_path, box_files(), [entry()]) as library:
        made = convert(library, library.furniture["Test#box"], turn_deg=90.0)
    assert made.size_m == pytest.approx((2.0, 4.0, 3.0), abs=1e-3)


def test_a_texture_replaces_a_black_colour_and_an_absolute_path_is_never_opened(tmp_path):
    with opened(tmp_path, box_files(), [entry()]) as library:
        made = convert(library, library.furniture["Test#box"])
    looks = {p.material.name: p.material for p in made.parts}
    assert looks["skin"].texture is not None
    assert made.textures[looks["skin"].texture.name] == picture()
    assert looks["side"].texture is None
    assert looks["side"].colour == pytest.approx((0.2, 0.4, 0.6))
    assert looks["side"].opacity == pytest.approx(0.5)


def test_an_absolute_path_counts_as_missing_even_where_the_file_exists(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture())
    for name in (str(secret), "../../secret.png", "C:\\pictures\\secret.png"):
        with opened(tmp_path, box_files(mtl=f"newmtl skin\nKd 1 0 0\nmap_Kd {name}\n"), [entry()]) as library:
            made = convert(library, library.furniture["Test#box"])
        assert made.textures == {}


def test_the_only_material_file_is_taken_when_the_named_one_is_missing(tmp_path):
    with opened(tmp_path, box_files(mtl_name="other.mtl"), [entry()]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert len(made.textures) == 1


def test_a_model_without_any_material_file_is_grey(tmp_path):
    with opened(tmp_path, {"test/box/model.obj": BOX}, [entry()]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert {p.material.colour for p in made.parts} == {(0.6, 0.6, 0.6)}


def test_a_stated_rotation_is_applied_only_where_it_fits(tmp_path):
    turn = "1 0 0 0 0 -1 0 1 0"
    lying = entry(width="200", depth="300", height="400", modelRotation=turn)
    with opened(tmp_path, box_files(), [lying]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert made.size_m == pytest.approx((3.0, 2.0, 4.0), abs=1e-3)
    with opened(tmp_path, box_files(), [entry(modelRotation=turn)]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert made.size_m == pytest.approx((4.0, 2.0, 3.0), abs=1e-3)
    assert not any("one factor" in change for change in made.changes)


def test_a_box_of_other_proportions_is_scaled_by_one_factor_and_says_so(tmp_path):
    with opened(tmp_path, box_files(), [entry(height="600")]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert made.size_m == pytest.approx((4.0, 2.0, 3.0), abs=1e-3)
    assert any("one factor" in change for change in made.changes)


def test_an_inside_out_model_is_turned_outside(tmp_path):
    swapped = []
    for line in BOX.splitlines():
        words = line.split()
        swapped.append(" ".join([words[0], *words[:0:-1]]) if words and words[0] == "f" else line)
    with opened(tmp_path, box_files(obj="\n".join(swapped)), [entry()]) as library:
        made = convert(library, library.furniture["Test#box"])
    assert "faces turned outside" in made.changes
    for item in made.parts:
        a, b, c = (item.vertices[item.faces[:, k]] for k in range(3))
        middle = (a + b + c) / 3 - np.array([0, 0, 1.5])
        assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), middle) > 0).all()


@pytest.mark.parametrize("name", ["../evil.obj", "/evil.obj"])
def test_a_library_member_outside_its_tree_is_refused(tmp_path, name):
    path = tmp_path / "test.sh3f"
    path.write_bytes(library_bytes({name: "x"}, []))
    with pytest.raises(AssetError, match="leads out of the library"):
        FurnitureLibrary(path)


@pytest.mark.parametrize("name", ["../../evil.sh3f", "/evil.sh3f"])
def test_a_package_member_outside_its_tree_is_refused(tmp_path, name):
    deb = tmp_path / "bad.deb"
    deb.write_bytes(deb_bytes({name: b"x"}))
    with pytest.raises(AssetError, match="leads out of the package"):
        unpack_deb(deb, ["evil.sh3f"], tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.deb"]


@pytest.mark.parametrize("content", [b"", b"not a package", b"!<arch>\n" + b"x" * 60, deb_bytes({"a": b"b"})[:-40]])
def test_what_is_no_package_gives_one_clear_line(tmp_path, content):
    deb = tmp_path / "bad.deb"
    deb.write_bytes(content)
    with pytest.raises(AssetError) as caught:
        unpack_deb(deb, ["Test.sh3f"], tmp_path)
    assert str(deb) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fetched_model_is_loaded_back_as_it_was_converted(tmp_path):
    pack, deb = pack_of(["box"], tmp_path)
    folder = fetch.fetch_pack(pack, deb, tmp_path / "cache", progress=False)
    (record,) = fetched_records(folder)
    model = load_model(folder / record.id, record)
    assert record.size_m == pytest.approx((4.0, 2.0, 3.0), abs=1e-3)
    assert record.name == "Böx"
    skin = next(p.material for p in model.parts if p.material.name == "skin")
    assert skin.texture is not None
    assert skin.texture.read_bytes() == picture()
    text = (folder / "ATTRIBUTION.md").read_text()
    assert "José" in text
    assert "CC-BY-3.0 https://l/" in text
    assert "scaled by" in text


def test_another_build_of_the_package_passes_by_its_libraries_checksums(tmp_path):
    pack, deb = pack_of(["box"], tmp_path)
    other = SweetHome3D(replace(pack.chosen, package=replace(pack.chosen.package, sha256="0" * 64)))
    assert fetched_records(fetch.fetch_pack(other, deb, tmp_path / "cache", progress=False))


def test_a_tampered_library_is_refused_and_leaves_no_pack(tmp_path):
    pack, _ = pack_of(["box"], tmp_path)
    _, evil = pack_of(["box"], tmp_path, box_files(obj=BOX.replace("v 12 8 24", "v 13 8 24")))
    with pytest.raises(AssetError, match=r"Test\.sh3f has SHA-256"):
        fetch.fetch_pack(pack, evil, tmp_path / "cache", progress=False)
    assert fetched_records(pack_folder(tmp_path / "cache", "sweethome3d", "1.0")) == ()


def test_an_altered_cache_is_noticed(tmp_path):
    pack, deb = pack_of(["box"], tmp_path)
    folder = fetch.fetch_pack(pack, deb, tmp_path / "cache", progress=False)
    (record,) = fetched_records(folder)
    (folder / record.id / "texture0.png").write_bytes(picture((0, 0, 0)))
    with pytest.raises(AssetError, match="altered"):
        load_model(folder / record.id, record)


@pytest.mark.parametrize("content", ["{", "[]", '{"assets": [{"id": 1}]}'])
def test_a_damaged_manifest_gives_one_clear_line(tmp_path, content):
    path = pack_folder(tmp_path, "sweethome3d", curated_list().package.version) / "manifest.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(AssetError, match=r"manifest\.json is damaged"):
        load_catalogue(tmp_path)


def test_a_model_above_the_triangle_budget_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("hazardsim.packs.convert.BUDGET", 11)
    with opened(tmp_path, box_files(), [entry()]) as library, pytest.raises(AssetError, match="12 triangles"):
        convert(library, library.furniture["Test#box"])


_KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
import test_packs_sweethome3d as t
from pathlib import Path
from hazardsim.packs import PACKS, fetch
from hazardsim.packs.sweethome3d import fit
pack, deb = t.pack_of([f"m{k}" for k in range(6)], Path(sys.argv[2]))
convert = fit.convert
def slow(*args):
    made = convert(*args)
    print("converted", flush=True)
    time.sleep(0.3)
    return made
fit.convert = slow
fetch.fetch_pack(pack, deb, Path(sys.argv[2]) / "cache", progress=False)
"""


def test_a_fetch_that_is_killed_is_continued(tmp_path):
    command = [sys.executable, "-c", _KILLED, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(3):
            assert child.stdout.readline() == b"converted\n"
        os.kill(child.pid, signal.SIGKILL)
    pack, deb = pack_of([f"m{k}" for k in range(6)], tmp_path)
    folder = pack_folder(tmp_path / "cache", "sweethome3d", "1.0")
    assert fetched_records(folder) == ()
    left = len(fetch.missing_entries(pack, tmp_path / "cache"))
    assert 0 < left < 6
    fetch.fetch_pack(pack, deb, tmp_path / "cache", progress=False)
    assert len(fetched_records(folder)) == 6
    assert not list(folder.glob(".part-*"))
    shutil.copytree(folder, tmp_path / "first")
    shutil.rmtree(tmp_path / "cache")
    fetch.fetch_pack(pack, deb, tmp_path / "cache", progress=False)
    assert (folder / "manifest.json").read_bytes() == (tmp_path / "first" / "manifest.json").read_bytes()


def test_a_fetch_without_consent_downloads_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(AssetError, match="--yes"):
        AssetsFetch(cache=tmp_path).run()
    assert "120 MB" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_list_can_be_narrowed_and_names_categories_on_a_misspelling(tmp_path, capsys):
    assert AssetsList(category="sofa", cache=tmp_path).run() == 0
    assert capsys.readouterr().out.startswith("procedural-sofa ")
    with pytest.raises(AssetError, match=r"no category 'soffa'; there are: .*sofa"):
        AssetsList(category="soffa", cache=tmp_path).run()


def test_a_misspelt_key_is_named(tmp_path):
    path = tmp_path / "list.yaml"
    path.write_text("package: {name: a, version: b, bytes: 1, sha265: c}\n")
    with pytest.raises(AssetError, match=r"package\.sha2"):
        read_listing(path, CuratedList)
    path.write_text("validation: [a]\ntest: [b]\ntraining: [c]\n")
    with pytest.raises(AssetError, match="training"):
        read_listing(path, Categories)
    path.write_text("a: [b\n")
    with pytest.raises(AssetError, match="is not YAML"):
        read_listing(path, Categories)


def test_the_curated_list_is_large_and_names_real_blueprints():
    listed = curated_list()
    assert len(listed.anomalies) >= 60
    assert len({a.category for a in listed.anomalies}) >= 50
    assert {v.blueprint for v in listed.vehicles} <= {s.blueprint for s in VEHICLES}
    walkers = [b for p in listed.people for b in p.blueprints]
    assert len(walkers) == len(set(walkers))
    assert set(walkers) <= {s.blueprint for s in WALKERS}
    assert all(entry.id.startswith("sh3d-") for entry in listed.contents().entries())


def real_package(folder: Path) -> Path:
    """The real package: $HAZARDSIM_TEST_DEB, else through apt; skips where neither gives it."""
    given = os.environ.get("HAZARDSIM_TEST_DEB")
    if given:
        return Path(given)
    try:
        return SweetHome3D().download(folder)
    except AssetError as error:
        pytest.skip(f"the pack cannot be had here: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.soak)])
def test_the_real_pack_is_fetched_and_its_models_are_sound(tmp_path, monkeypatch, every):
    """Every eighth model of each kind; all of them where there is time."""
    whole = curated_list()
    listed = replace(
        whole, anomalies=whole.anomalies[::every], vehicles=whole.vehicles[::every], people=whole.people[::every]
    )
    monkeypatch.setitem(PACKS, "sweethome3d", SweetHome3D(listed))
    assert AssetsFetch(archive=real_package(tmp_path), cache=tmp_path / "cache").run() == 0
    catalogue = load_catalogue(tmp_path / "cache")
    fetched = [a for a in catalogue.assets if a.id.startswith("sh3d-")]
    assert len(fetched) == len(listed.anomalies)
    for asset in fetched:
        model = catalogue.model(asset.id)
        low, high = model.bounds()
        assert high - low == pytest.approx(asset.size_m, abs=1e-3)
        assert low[2] == pytest.approx(0.0, abs=1e-4)
        assert asset.triangles <= 40_000
        assert 0.25 < max(asset.size_m) < 7.0
        for item in model.parts:
            assert np.isfinite(item.vertices).all()
            assert np.isfinite(item.uv).all()
            if item.material.texture is not None:
                with Image.open(item.material.texture) as image:
                    assert image.mode == "RGB"
    assert sum(any(p.material.texture for p in catalogue.model(a.id).parts) for a in fetched) > 40 // every
    record = json.loads((pack_folder(tmp_path / "cache", "sweethome3d", "1.8-1") / "manifest.json").read_text())
    assert len(record["assets"]) == len(listed.contents().entries())
    for spec in VEHICLES:
        low, high = vehicle_model(spec.blueprint, (0.1, 0.2, 0.6), tmp_path / "cache").bounds()
        assert (high - low <= np.asarray(spec.size_m) + 1e-3).all()
        assert (high - low >= 0.7 * np.asarray(spec.size_m)).all()
    for walker in WALKERS:
        low, high = walker_model(walker.blueprint, tmp_path / "cache").bounds()
        assert high[2] - low[2] == pytest.approx(walker.size_m[2], abs=2e-3)
    assert stored_asset(tmp_path / "nothing") is None

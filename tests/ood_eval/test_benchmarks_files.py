"""Files as people have them: previews, palettes, depths, odd names, and what must not be guessed."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks.build import build_dataset, splits_of
from ood_eval.benchmarks.formats.images import image_size, read_labels, read_rgb
from ood_eval.benchmarks.formats.odgt import natural_key, read_odgt
from ood_eval.commands.data_check import DataCheck
from ood_eval.errors import ConfigError, DataError

SIZE = (6, 8)


def image(path: Path, shade: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*SIZE, 3), shade, dtype=np.uint8)).save(path)
    return path


def mask(path: Path, anomalous: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(SIZE, dtype=np.uint8)
    values.reshape(-1)[:anomalous] = 1
    Image.fromarray(values).save(path)
    return path


def test_an_image_whose_name_ends_like_a_preview_is_an_image(tmp_path: Path) -> None:
    for name in ("red", "red_color", "blue_color"):
        image(tmp_path / f"images/{name}.png")
        mask(tmp_path / f"masks/{name}.png")
    image(tmp_path / "images/green.png")
    mask(tmp_path / "masks/green.png")
    image(tmp_path / "masks/green_color.png")
    dataset = build_dataset("folders", tmp_path, "test")
    assert [dataset[index].id for index in range(len(dataset))] == ["blue_color", "green", "red", "red_color"]


def test_an_id_has_the_folder_first_where_names_repeat(tmp_path: Path) -> None:
    for place in "ab":
        image(tmp_path / f"images/{place}/img_1.png")
        mask(tmp_path / f"masks/{place}/m_1.png")
    layout = {"images": "images/*/img_*", "masks": "masks/*/m_*"}
    dataset = build_dataset("folders", tmp_path, "test", {"layout": layout})
    assert [dataset[index].id for index in (0, 1)] == ["a/img_1", "b/img_1"]


def test_every_split_tells_its_own_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split in "ab":
        image(tmp_path / f"{split}/images/1.png")
        mask(tmp_path / f"{split}/masks/1.png", anomalous=0)
    layout = "layout={images: '{split}/images/*', masks: '{split}/masks/*', splits: {a: null, b: null}}"
    with pytest.raises(DataError, match="2 findings"):
        DataCheck("folders", tmp_path, option=(layout,)).run()
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]


def test_every_star_pairs_where_both_patterns_have_it(tmp_path: Path) -> None:
    for shade, weather in ((10, "fog"), (200, "rain")):
        for number in (1, 2):
            image(tmp_path / f"{weather}/images/{number}.png", shade)
            mask(tmp_path / f"{weather}/masks/{number}.png", anomalous=shade // 10)
    layout = {"images": "*/images/*", "masks": "*/masks/*"}
    dataset = build_dataset("folders", tmp_path, "test", {"layout": layout})
    assert sorted(dataset[index].id for index in range(4)) == ["fog/1", "fog/2", "rain/1", "rain/2"]
    for index in range(4):
        sample = dataset[index]
        assert sample.anomaly is not None
        assert int(sample.anomaly.sum()) == int(sample.image[0, 0, 0]) // 10
    (tmp_path / "rain/masks/2.png").unlink()
    with pytest.raises(DataError, match="1 files have no label map"):
        build_dataset("folders", tmp_path, "test", {"layout": layout})


@pytest.mark.parametrize("depth", [np.uint16, np.int32])
def test_an_image_of_more_than_eight_bits_is_not_clipped(tmp_path: Path, depth: type) -> None:
    Image.fromarray(np.full(SIZE, 300, dtype=depth)).save(tmp_path / "deep.tif")
    with pytest.raises(DataError, match="more than 8 bits"):
        read_rgb(tmp_path / "deep.tif")


def test_greys_through_a_palette_are_ambiguous_and_colours_are_indices(tmp_path: Path) -> None:
    indices = np.arange(48, dtype=np.uint8).reshape(SIZE) % 2
    for name, palette in (("grey", [0, 0, 0, 255, 255, 255]), ("colour", [0, 0, 0, 250, 10, 90])):
        paletted = Image.fromarray(indices).convert("P")
        paletted.putpalette(palette)
        paletted.save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match="palette"):
        read_labels(tmp_path / "grey.png", SIZE)
    assert np.array_equal(read_labels(tmp_path / "colour.png", SIZE), indices)


def test_a_label_map_of_fewer_bits_is_refused(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = (4).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([4, 0, 0, 0, 0])
    pixels = zlib.compress(bytes([0, 0x01, 0x10]))
    small = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    (tmp_path / "small.png").write_bytes(small)
    with pytest.raises(DataError, match="fewer"):
        read_labels(tmp_path / "small.png", (1, 4))


@pytest.mark.parametrize("read", [read_rgb, image_size])
def test_a_header_of_absurd_size_is_a_damaged_image(tmp_path: Path, read) -> None:
    header = (20000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    body = len(header).to_bytes(4, "big") + b"IHDR" + header + zlib.crc32(b"IHDR" + header).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body + bytes(8))
    with pytest.raises(DataError, match=r"bomb.png: not a readable image"):
        read(tmp_path / "bomb.png")


def test_names_in_strange_digits_have_a_place(tmp_path: Path) -> None:
    names = ["10", "2", "²", "01", "1", "001"]
    assert sorted(names, key=lambda name: natural_key(Path(name))) == ["001", "01", "1", "2", "10", "²"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"\x93NUMPY"])
def test_a_damaged_overlay_is_named(tmp_path: Path, content: bytes) -> None:
    stem = "frankfurt_000000_000294"
    image(tmp_path / f"leftImg8bit/val/frankfurt/{stem}_leftImg8bit.png")
    mask(tmp_path / f"0000_{stem}_labels.png")
    (tmp_path / "0000_rgb.npz").write_bytes(content)
    dataset = build_dataset("fishyscapes_static", tmp_path, "validation", {"official": False})
    with pytest.raises(DataError, match=r"0000_rgb.npz: is no overlay"):
        dataset[0]


def test_an_overlay_that_is_not_finite_is_named(tmp_path: Path) -> None:
    stem = "frankfurt_000000_000294"
    image(tmp_path / f"leftImg8bit/val/frankfurt/{stem}_leftImg8bit.png")
    mask(tmp_path / f"0000_{stem}_labels.png")
    np.savez(tmp_path / "0000_rgb.npz", rgb=np.full((*SIZE, 3), np.nan))
    with pytest.raises(DataError, match="finite"):
        build_dataset("fishyscapes_static", tmp_path, "validation", {"official": False})[0]


@pytest.mark.parametrize("pictures", ["laf_images", "dataset_LostAndFound/leftImg8bit/test/04_Maurener_Weg_8"])
@pytest.mark.parametrize("number", ["0000_", "00000_", ""])
def test_lost_and_found_pictures_may_lie_beside_the_masks(tmp_path: Path, pictures: str, number: str) -> None:
    stem = "04_Maurener_Weg_8_000000_000030"
    image(tmp_path / f"{pictures}/{stem}_leftImg8bit.png", 77)
    mask(tmp_path / f"masks/{number}{stem}_labels.png")
    dataset = build_dataset("fishyscapes_lostandfound", tmp_path / "masks", "validation", {"official": False})
    assert int(dataset[0].image[0, 0, 0]) == 77


def test_an_index_pairs_files_of_one_place(tmp_path: Path) -> None:
    image(tmp_path / "test/images/1.png")
    mask(tmp_path / "annotations/1.png")
    index = tmp_path / "test/test.odgt"
    entry = {"fpath_img": "images/1.png", "fpath_segm": "annotations/1.png"}
    index.write_text("\ufeff" + json.dumps([entry]), encoding="utf-8")
    with pytest.raises(DataError, match=r"annotations/1.png, which is neither"):
        read_odgt(index, tmp_path)
    mask(tmp_path / "test/annotations/1.png")
    assert read_odgt(index, tmp_path)[0].labels == tmp_path / "test/annotations/1.png"
    mask(tmp_path / "test/annotations/0001.png")
    index.write_text(json.dumps([entry | {"fpath_segm": "annotations/0001.png"}]))
    assert read_odgt(index, tmp_path)[0].labels.name == "0001.png"
    mask(tmp_path / "test/annotations/2.png")
    index.write_text(json.dumps([entry | {"fpath_segm": "annotations/2.png"}]))
    with pytest.raises(DataError, match="pairs"):
        read_odgt(index, tmp_path)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("streethazards", {"policy": ["a"]}, "policy: must be 'keep_all', 'ignore_other' or"),
        ("streethazards", {"official": "false"}, "official: must be true or false, not 'false'"),
        ("bdd_anomaly", {"variant": ["v1"]}, "variant: must be 'v1' or 'v2'"),
        ("fishyscapes_lostandfound", {"images": 5}, "images: must be a text, not 5"),
        ("fishyscapes_lostandfound", {"images": "/no/such"}, "is no folder"),
        ("fishyscapes_static", {"cityscapes": "~nobody-of-this-name/x"}, "is no folder"),
        ("folders", {"layout": "abc"}, r"layout: must be a table of keys \(name, images"),
    ],
)
def test_options_of_a_wrong_kind_are_named(tmp_path: Path, name: str, options: dict, message: str) -> None:
    split = "test" if name in {"streethazards", "bdd_anomaly", "folders"} else "validation"
    with pytest.raises(ConfigError, match=message):
        build_dataset(name, tmp_path, split, options)


def test_a_check_sees_the_splits_of_a_given_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image(tmp_path / "images/1.png")
    mask(tmp_path / "masks/1.png")
    assert splits_of("folders", tmp_path, {"layout": {"splits": {"val": None}}}) == ("val",)
    DataCheck("folders", tmp_path, option=("layout={splits: {val: null}}",)).run()
    (tmp_path / "folders.yml").write_text("name: mine")
    with pytest.raises(ConfigError, match=r"a file named folders.yaml"):
        DataCheck("folders", tmp_path).run()


def test_one_damaged_label_of_bdd_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("train", "val"):
        for number in range(3):
            image(tmp_path / f"seg/images/{folder}/{folder}{number}.jpg")
            mask(tmp_path / f"seg/labels/{folder}/{folder}{number}_train_id.png")
    for number in (0, 1):
        (tmp_path / f"seg/labels/train/train{number}_train_id.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="1 finding"):
        DataCheck("bdd_anomaly", tmp_path).run()
    (line,) = capsys.readouterr().out.splitlines()
    assert "train0_train_id.png" in line
    assert "1 more like it" in line


def test_a_place_that_is_not_needed_may_be_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OOD_EVAL_LOST_AND_FOUND", "/no/such/place")
    image(tmp_path / "copy/images/1.png")
    mask(tmp_path / "copy/labels_masks/1.png")
    assert len(build_dataset("fishyscapes_lostandfound", tmp_path / "copy", "validation", {"official": False})) == 1
    mask(tmp_path / "official/0000_04_Maurener_Weg_8_000000_000030_labels.png")
    with pytest.raises(DataError, match="OOD_EVAL_LOST_AND_FOUND"):
        build_dataset("fishyscapes_lostandfound", tmp_path / "official", "validation", {"official": False})

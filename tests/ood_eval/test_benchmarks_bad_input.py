"""Each way a benchmark's folder can be wrong, and the line that says so."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.bdd_anomaly import BddAnomaly
from ood_eval.benchmarks.build import build_dataset
from ood_eval.benchmarks.formats.layout import matching
from ood_eval.benchmarks.formats.values import ValueMap
from ood_eval.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "LOST_AND_FOUND", "CITYSCAPES"):
        monkeypatch.delenv(f"OOD_EVAL_{name}", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def image(path: Path, size: tuple[int, int] = (4, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((*size, 3), dtype=np.uint8)).save(path)


def labels(path: Path, value: int = 1, size: tuple[int, int] = (4, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, value, dtype=np.uint8)).save(path)


def pairs(root: Path, images: str, masks: str, count: int = 3, value: int = 1) -> None:
    for n in range(count):
        image(root / images / f"{n}.png")
        labels(root / masks / f"{n}.png", value)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_root_that_is_no_folder_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        build_dataset(name, tmp_path / "gone", BENCHMARKS[name].splits[0])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_empty_root_is_refused_with_the_expected_layout(name: str, tmp_path: Path) -> None:
    split = "test" if name == "folders" else BENCHMARKS[name].splits[0]
    with pytest.raises(DataError, match=r"expected|missing"):
        build_dataset(name, tmp_path, split)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_unknown_split_or_option_names_the_known(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"no split 'night'; choose one of .*{BENCHMARKS[name].splits[-1]}"):
        build_dataset(name, tmp_path, "night")
    with pytest.raises(ConfigError, match=f"{name}: no option 'colour'"):
        build_dataset(name, tmp_path, BENCHMARKS[name].splits[0], {"colour": 1})


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("road_anomaly_21", "test"),
        ("road_obstacle_21", "test"),
        ("road_obstacle_21", "test_snow"),
        ("road_obstacle_21", "test_night"),
        ("fishyscapes_lostandfound", "test"),
        ("fishyscapes_static", "test"),
        ("cityscapes", "test"),
    ],
)
def test_hidden_labels_are_refused(name: str, split: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"labels of {split} are not public; submit to https://.*, or use \w+"):
        build_dataset(name, tmp_path, split)


COUNTED: list[tuple[str, str, str, str, int]] = [
    ("road_anomaly", "original", "labels", "test", 60),
    ("road_anomaly_21", "images", "labels_masks", "validation", 10),
    ("road_obstacle_21", "images", "labels_masks", "validation", 30),
    ("fishyscapes_lostandfound", "original", "labels", "validation", 100),
    ("fishyscapes_static", "original", "labels", "validation", 30),
]


@pytest.mark.parametrize(("name", "images", "masks", "split", "count"), COUNTED)
def test_counts_are_asserted_unless_waived(
    name: str, images: str, masks: str, split: str, count: int, tmp_path: Path
) -> None:
    pairs(tmp_path, images, masks)
    with pytest.raises(DataError, match=f"3 samples where the {split} split has {count}"):
        build_dataset(name, tmp_path, split)
    assert len(build_dataset(name, tmp_path, split, {"official": False})) == 3


@pytest.mark.parametrize(("name", "images", "masks", "split", "count"), COUNTED)
def test_a_value_outside_the_table_is_named(
    name: str, images: str, masks: str, split: str, count: int, tmp_path: Path
) -> None:
    pairs(tmp_path, images, masks)
    labels(tmp_path / masks / "1.png", 7)
    dataset = build_dataset(name, tmp_path, split, {"official": False})
    for read in (dataset.check, lambda: dataset[1]):
        with pytest.raises(DataError, match=r"1\.png: label value 7 is outside the table 0\.\."):
            read()


@pytest.mark.parametrize(("name", "images", "masks", "split", "count"), COUNTED)
def test_a_missing_partner_is_named(name: str, images: str, masks: str, split: str, count: int, tmp_path: Path) -> None:
    pairs(tmp_path, images, masks)
    (tmp_path / images / "2.png").unlink()
    with pytest.raises(DataError, match=r"1 files? .*no image, the first is 2\.png"):
        build_dataset(name, tmp_path, split, {"official": False})
    image(tmp_path / images / "2.png")
    image(tmp_path / images / "3.png")
    with pytest.raises(DataError, match=r"no label map, the first is 3\.png"):
        build_dataset(name, tmp_path, split, {"official": False})


@pytest.mark.parametrize(("name", "images", "masks", "split", "count"), COUNTED)
def test_a_mask_of_another_size_is_named(
    name: str, images: str, masks: str, split: str, count: int, tmp_path: Path
) -> None:
    pairs(tmp_path, images, masks)
    labels(tmp_path / masks / "0.png", 1, (5, 6))
    dataset = build_dataset(name, tmp_path, split, {"official": False})
    for read in (dataset.check, lambda: dataset[0]):
        with pytest.raises(DataError, match="6x5 but its image is 6x4"):
            read()


def test_two_files_for_one_sample_are_refused(tmp_path: Path) -> None:
    image(tmp_path / "images/a.png")
    image(tmp_path / "images/a.jpg")
    with pytest.raises(DataError, match="stands for the same sample"):
        matching(tmp_path, "images/*")


def test_a_list_of_frames_must_be_a_list_of_files(tmp_path: Path) -> None:
    index = tmp_path / "frame_list.json"
    for content in ("{", '{"a": 1}', "[1]"):
        index.write_text(content)
        with pytest.raises(DataError, match=r"frame_list\.json: is not a JSON list"):
            build_dataset("road_anomaly", tmp_path, "test")
    index.write_text(json.dumps(["a.jpg"]))
    with pytest.raises(DataError, match=r"a\.jpg: missing, though frame_list\.json lists a\.jpg"):
        build_dataset("road_anomaly", tmp_path, "test")
    index.write_text("[]")
    with pytest.raises(DataError, match="empty"):
        build_dataset("road_anomaly", tmp_path, "test")


def test_the_archive_of_road_anomaly_holds_no_ones(tmp_path: Path) -> None:
    (tmp_path / "frame_list.json").write_text('["a.jpg"]')
    image(tmp_path / "frames/a.jpg")
    labels(tmp_path / "frames/a.labels/labels_semantic.png", 1)
    with pytest.raises(DataError, match="label value 1 is outside the table 0, 2"):
        build_dataset("road_anomaly", tmp_path, "test", {"official": False}).check()


def test_fishyscapes_without_pictures_says_what_to_get(tmp_path: Path) -> None:
    for n in range(2):
        labels(tmp_path / f"{n:04d}_01_Street_000000_00000{n}_labels.png")
    with pytest.raises(DataError, match=r"leftImg8bit\.zip.*option images"):
        build_dataset("fishyscapes_lostandfound", tmp_path, "validation")
    with pytest.raises(DataError, match=r"registration needed.*option cityscapes"):
        build_dataset("fishyscapes_static", tmp_path, "validation")
    image(tmp_path / "leftImg8bit/train/01_Street/01_Street_000000_000001_leftImg8bit.png")
    with pytest.raises(DataError, match="1 files have no image, the first is 0000_01_Street"):
        build_dataset("fishyscapes_lostandfound", tmp_path, "validation")


def _static(root: Path) -> Path:
    labels(root / "0000_a_0_0_labels.png")
    image(root / "leftImg8bit/val/a/a_0_0_leftImg8bit.png")
    return root / "0000_a_0_0_rgb.npz"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "0 overlays"),
        (b"not a zip", "no overlay with an array rgb"),
        ({"mask": np.zeros((4, 6, 3))}, "no overlay with an array rgb"),
        ({"rgb": np.zeros((5, 6, 3))}, r"is \(5, 6, 3\) but its picture is \(4, 6, 3\)"),
    ],
)
def test_a_wrong_overlay_is_named(tmp_path: Path, content: Any, message: str) -> None:
    overlay = _static(tmp_path)
    if isinstance(content, bytes):
        overlay.write_bytes(content)
    elif content is not None:
        np.savez(overlay, **content)
    with pytest.raises(DataError, match=message):
        build_dataset("fishyscapes_static", tmp_path, "validation", {"official": False})[0]
    with pytest.raises(DataError, match=message):
        build_dataset("fishyscapes_static", tmp_path, "validation", {"official": False}).check()


def test_lost_and_found_train_ids_cannot_tell_the_harmless(tmp_path: Path) -> None:
    image(tmp_path / "leftImg8bit/test/s/s_000000_000010_leftImg8bit.png")
    labels(tmp_path / "gtCoarse/test/s/s_000000_000010_gtCoarse_labelTrainIds.png")
    options = {"policy": "non_hazards_anomaly", "official": False}
    with pytest.raises(DataError, match="needs gtCoarse labelIds"):
        build_dataset("lost_and_found", tmp_path, "test", options)
    with pytest.raises(ConfigError, match="must be 'non_hazards_void' or 'non_hazards_anomaly'"):
        build_dataset("lost_and_found", tmp_path, "test", {"policy": "all"})
    with pytest.raises(
        DataError, match=r"1 samples where the test split has 1203.*test_valid is defined on the whole set only"
    ):
        build_dataset("lost_and_found", tmp_path, "test_valid", {"official": False})


def _bdd(root: Path, train: str = "labels", val: str = "labels") -> None:
    for part, folder in (("train", train), ("val", val)):
        image(root / f"seg/images/{part}/{part}.jpg")
        labels(root / f"seg/{folder}/{part}/{part}_train_id.png", 3)


def test_bdd_refuses_what_it_cannot_split(tmp_path: Path) -> None:
    _bdd(tmp_path)
    with pytest.raises(DataError, match="the test split of bdd_anomaly v2 is empty"):
        build_dataset("bdd_anomaly", tmp_path, "test", {"official": False})
    for options in ({"variant": "v3"}, {"policy": "ignore"}):
        with pytest.raises(ConfigError, match=r"must be 'v1' or 'v2'|must be 'keep_all' or 'ignore_void'"):
            build_dataset("bdd_anomaly", tmp_path, "test", options)
        with pytest.raises(ConfigError, match="variants are v1, v2, policies keep_all, ignore_void"):
            BddAnomaly(tmp_path, "test", **options)
    labels(tmp_path / "seg/labels/val/val_train_id.png", 19)
    with pytest.raises(DataError, match=r"label value 19 is outside the table 0\.\.18, 255"):
        build_dataset("bdd_anomaly", tmp_path, "test", {"official": False})


def test_bdd_does_not_mix_converted_labels_with_others(tmp_path: Path) -> None:
    _bdd(tmp_path, "labels", "train_labels")
    with pytest.raises(DataError, match="train_labels for the other"):
        build_dataset("bdd_anomaly", tmp_path, "training", {"official": False})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not YAML"),
        ("imags: a/*", "imags"),
        ("images: a", "one \\* in its last part"),
        ("images: a[1]/*", "one \\* in its last part"),
        ("images: /a/*", "below the folder"),
        ("images: ./a/*", "must be written 'a/"),
        ("images: a/**", "one \\* in its last part"),
        ("images: a/*_*_rgb", "one \\* in its last part"),
        ("images: a/*.jpg", "no file ending"),
        ("splits: {}", "splits is empty"),
        ("masks: ''", "for masks, for classes, or both"),
        ("values: {0: 3}", "0 known, 1 anomaly or 255 void"),
        ("values: {0: 0, 300: 1}", "whole numbers 0..255"),
        ("classes: c/*\nclass_values: {1: 0}\nclass_names: [road, car]", "each of the 2 class_names"),
        ("splits: {test: 5}", "3 samples where the test split has 5"),
        ("classes: c/*\nclass_values: {1: 0}\nclass_names: [road]", "3 files have no label map"),
    ],
)
def test_a_wrong_description_of_folders_is_named(tmp_path: Path, text: str, message: str) -> None:
    pairs(tmp_path, "images", "masks")
    (tmp_path / "folders.yaml").write_text(text)
    with pytest.raises((ConfigError, DataError), match=message):
        build_dataset("folders", tmp_path, "test")


def test_a_value_map_shows_its_table_in_ranges() -> None:
    table = ValueMap({0: 0, 1: 1, 2: 1, 9: 255})
    with pytest.raises(DataError, match=r"x\.png: label value 3 is outside the table 0\.\.2, 9;"):
        table(np.array([[0, 3, 200]], dtype=np.uint8), "x.png")
    for wrong in ({}, {-1: 0}, {0: 256}):
        with pytest.raises(ConfigError, match=r"0\.\.255 on both sides"):
            ValueMap(wrong)

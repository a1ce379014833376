"""Every benchmark in every layout it is found in, written small in its real format and read through the contract."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import ood_eval.benchmarks
from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.build import build_dataset
from ood_eval.datasets import ANOMALY, KNOWN, VOID, attributes_of, check_dataset, samples
from ood_eval.errors import DataError

SIZE = (6, 8)
STEMS = [f"01_Hanns_Klemm_Str_45_{n // 10:06d}_{n % 10 * 10:06d}" for n in range(100)]
CITY_STEMS = [f"frankfurt_000000_{n:06d}" for n in range(15)]


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in ("DATA", "LOST_AND_FOUND", "CITYSCAPES"):
        monkeypatch.delenv(f"OOD_EVAL_{name}", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


def picture(path: Path, size: tuple[int, int] = SIZE, value: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    image = rng.integers(0, value, size=(*size, 3), dtype=np.uint8)
    Image.fromarray(image).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))


def mask(path: Path, values: tuple[int, ...] = (0, 1, 255), size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Columns of the values, written as a grey PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.array(values, dtype=np.uint8)[np.arange(size[1]) * len(values) // size[1]]
    labels = np.broadcast_to(labels, size).copy()
    Image.fromarray(labels).save(path)
    return labels


def preview(path: Path) -> None:
    """A colour preview such as the archives hold beside their masks."""
    picture(path)


def write_copies(folders: str, home: str, count: int, values: tuple[int, ...], ending: str = "png"):
    images, labels = folders.split("/")

    def write(root: Path) -> None:
        for n in range(count):
            picture(root / home / images / f"{n}.{ending}")
            mask(root / home / labels / f"{n}.png", values)
            preview(root / home / labels / f"{n}_color.png")

    return write


def write_fishyscapes(masks: str, pictures: str):
    def write(root: Path) -> None:
        for n, stem in enumerate(STEMS):
            mask(root / masks.format(n=n, stem=stem), (0, 255) if n == 79 else (0, 1, 255))
            sequence = stem.rsplit("_", 2)[0]
            part = "train" if n % 2 else "test"
            picture(root / pictures.format(part=part, sequence=sequence, stem=stem))
        picture(root / pictures.format(part="train", sequence="02_Other", stem="02_Other_000000_000010"))

    return write


def write_static(home: str):
    def write(root: Path) -> None:
        for n in range(30):
            stem = CITY_STEMS[n % 15]  # two masks lie on one picture
            mask(root / home / f"{n:04d}_{stem}_labels.png")
            overlay = np.full((*SIZE, 3), -300 if n == 0 else 5, dtype=np.int16)
            np.savez(root / home / f"{n:04d}_{stem}_rgb.npz", rgb=overlay)
            picture(root / "cityscapes/leftImg8bit/val/frankfurt" / f"{stem}_leftImg8bit.png")

    return write


def write_road_anomaly(root: Path) -> None:
    names = [f"zebra{n:02d} (copy), #1_é.jpg" if n % 2 else f"animals{n:02d}_x.jpg" for n in range(60)]
    base = root / "RoadAnomaly_jpg"
    for name in names:
        picture(base / "frames" / name)
        folder = (base / "frames" / name).with_suffix(".labels")
        mask(folder / "labels_semantic.png", (0, 2))
        preview(folder / "labels_semantic_color.png")
    picture(base / "frames" / "not_listed.jpg")
    (base / "frame_list.json").write_text(json.dumps(names))


def write_anomaly_track(root: Path) -> None:
    base = root / "dataset_AnomalyTrack"
    for n in range(10):
        size = SIZE if n % 2 else (12, 9)
        picture(base / f"images/validation{n:04d}.jpg", size)
        mask(base / f"labels_masks/validation{n:04d}_labels_semantic.png", (0, 1, 255), size)
        preview(base / f"labels_masks/validation{n:04d}_labels_semantic_color.png")
    picture(base / "images/airplane0001.jpg")


def write_obstacle_track(root: Path) -> None:
    base = root / "dataset_ObstacleTrack"
    numbers = [n for n in range(1, 60) if not str(n).startswith(("19", *(f"2{d}" for d in range(1, 10))))][:30]
    for n in numbers:
        picture(base / f"images/validation_{n}.webp")
        mask(base / f"labels_masks/validation_{n}_labels_semantic.png", (255, 0, 1, 255))
        preview(base / f"labels_masks/validation_{n}_labels_semantic_color.png")
    for name in ("validation_19", "validation_21", "curvy-street_carton_6", "snowstorm1_00_16_02.578"):
        picture(base / f"images/{name}.webp")


def write_lost_and_found(kind: str, values: tuple[int, ...], part: str = "test"):
    def write(root: Path) -> None:
        for stem in STEMS[:5]:
            sequence = stem.rsplit("_", 2)[0]
            picture(root / f"leftImg8bit/{part}/{sequence}/{stem}_leftImg8bit.png")
            mask(root / f"gtCoarse/{part}/{sequence}/{stem}_gtCoarse_{kind}.png", values)
            preview(root / f"gtCoarse/{part}/{sequence}/{stem}_gtCoarse_color.png")

    return write


def write_cityscapes(kind: str, values: tuple[int, ...]):
    def write(root: Path) -> None:
        for part, city in (("train", "aachen"), ("val", "lindau")):
            for n in range(3):
                picture(root / f"leftImg8bit/{part}/{city}/{city}_{n:06d}_000019_leftImg8bit.png")
                mask(root / f"gtFine/{part}/{city}/{city}_{n:06d}_000019_gtFine_{kind}.png", values)
                preview(root / f"gtFine/{part}/{city}/{city}_{n:06d}_000019_gtFine_color.png")

    return write


def write_flat_streets(root: Path) -> None:
    for part, values in (("train", (1, 8, 11)), ("val", (1, 8)), ("test", (1, 4, 14))):
        for n in (1, 2, 10):
            picture(root / f"streethazard/{part}/images/{n}.png")
            mask(root / f"streethazard/{part}/labels/{n}.png", values)


def write_folders(root: Path) -> None:
    (root / "folders.yaml").write_text(
        """
name: climaood
images: fog/{split}/rgb/*_front
masks: fog/{split}/mask/*_mask
values: {0: 0, 128: 255, 255: 1}
classes: fog/{split}/classes/*
class_values: {3: 0, 7: 1, 0: 255}
class_names: [road, car]
splits: {test: 4, night: null}
"""
    )
    for split in ("test", "night"):
        for n in range(4):
            picture(root / f"fog/{split}/rgb/{n}_front.jpg", (6, 8 + n))
            mask(root / f"fog/{split}/mask/{n}_mask.png", (0, 128, 255), (6, 8 + n))
            mask(root / f"fog/{split}/classes/{n}.png", (3, 7, 0), (6, 8 + n))


@dataclass
class Case:
    """A layout, its benchmark, and what must come out: count, values of the anomaly maps, classes."""

    label: str
    name: str
    split: str
    write: Callable[[Path], None]
    count: int
    anomaly: set[int] | None
    classes: set[int] | None = None
    options: dict[str, Any] = field(default_factory=dict)


BINARY = {KNOWN, ANOMALY, VOID}
PARTIAL = {"official": False}
CITY = "leftImg8bit/{part}/{sequence}/{stem}_leftImg8bit.png"
CASES = [
    Case("flat", "streethazards", "test", write_flat_streets, 3, {0, 1}, {0, 3, 255}),
    Case("flat", "streethazards", "training", write_flat_streets, 3, None, {0, 7, 10}),
    Case("archive", "road_anomaly", "test", write_road_anomaly, 60, {0, 1}),
    Case(
        "copy",
        "road_anomaly",
        "test",
        write_copies("original/labels", "road_anomaly", 60, (0, 2), "jpg"),
        60,
        {0, 1},
    ),
    Case("copy2", "road_anomaly", "test", write_copies("images/labels_masks", "RoadAnomaly", 60, (0, 1)), 60, {0, 1}),
    Case("archive", "road_anomaly_21", "validation", write_anomaly_track, 10, BINARY),
    Case(
        "fork",
        "road_anomaly_21",
        "validation",
        write_copies("images/labels_masks", "road_anomaly_21", 10, (0, 1, 255), "jpg"),
        10,
        BINARY,
    ),
    Case("archive", "road_obstacle_21", "validation", write_obstacle_track, 30, BINARY),
    Case(
        "misspelt",
        "road_obstacle_21",
        "validation",
        write_copies("images/labels_masks", "RoadObsticle21", 30, (0, 1, 255), "webp"),
        30,
        BINARY,
    ),
    Case(
        "official",
        "fishyscapes_lostandfound",
        "validation",
        write_fishyscapes("fishyscapes_lostandfound/{n:04d}_{stem}_labels.png", "laf/" + CITY),
        100,
        BINARY,
        options={"images": "laf"},
    ),
    Case(
        "rba",
        "fishyscapes_lostandfound",
        "validation",
        write_fishyscapes("fishyscapes_lostandfound/{n:04d}_{stem}_labels.png", "laf_images/{stem}_leftImg8bit.png"),
        100,
        BINARY,
    ),
    Case(
        "smiyc",
        "fishyscapes_lostandfound",
        "validation",
        write_fishyscapes("dataset_FishyLAF/labels/val/{stem}_fishy-labels.png", "dataset_LostAndFound/" + CITY),
        100,
        BINARY,
    ),
    Case(
        "m2f",
        "fishyscapes_lostandfound",
        "validation",
        write_fishyscapes(
            "fs_lost_found/validation/gtFine/{n:04d}_{stem}_labels.png",
            "fs_lost_found/validation/leftImg8bit/{stem}_leftImg8bit.png",
        ),
        100,
        BINARY,
    ),
    Case(
        "copy",
        "fishyscapes_lostandfound",
        "validation",
        write_copies("original/labels", "LostAndFound", 100, (0, 1, 255)),
        100,
        BINARY,
    ),
    Case(
        "copy2",
        "fishyscapes_lostandfound",
        "validation",
        write_copies("images/labels_masks", "FS_LostFound_full", 100, (0, 1, 255)),
        100,
        BINARY,
    ),
    Case("overlays", "fishyscapes_static", "validation", write_static("fs_val_v3"), 30, BINARY),
    Case(
        "copy",
        "fishyscapes_static",
        "validation",
        write_copies("original/labels", "Static", 30, (0, 1, 255)),
        30,
        BINARY,
    ),
    Case("ids", "lost_and_found", "test", write_lost_and_found("labelIds", (0, 1, 2, 43)), 5, BINARY, options=PARTIAL),
    Case(
        "train_ids",
        "lost_and_found",
        "test",
        write_lost_and_found("labelTrainIds", (0, 1, 2, 255)),
        5,
        BINARY,
        options=PARTIAL,
    ),
    Case("ids", "cityscapes", "training", write_cityscapes("labelIds", (7, 33, 3)), 3, None, {0, 18, 255}, PARTIAL),
    Case(
        "train_ids",
        "cityscapes",
        "validation",
        write_cityscapes("labelTrainIds", (0, 18, 255)),
        3,
        None,
        {0, 18, 255},
        PARTIAL,
    ),
    Case("folders", "folders", "test", write_folders, 4, BINARY, {0, 1, 255}),
    Case("folders", "folders", "night", write_folders, 4, BINARY, {0, 1, 255}),
]


def build(case: Case, root: Path):
    root.mkdir(exist_ok=True)
    case.write(root)
    options = {key: str(root / value) if key == "images" else value for key, value in case.options.items()}
    return build_dataset(case.name, root, case.split, options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.label}-{case.split}")
def test_every_layout_keeps_the_contract(case: Case, tmp_path: Path) -> None:
    dataset = build(case, tmp_path / "set [1]")
    survey = check_dataset(dataset)
    dataset.check()
    assert len(dataset) == survey.samples == case.count
    assert dataset.name in (case.name, "climaood")
    maps = [sample.anomaly for sample in samples(dataset)]
    assert {m is None for m in maps} == {case.anomaly is None}
    assert case.anomaly is None or set(np.unique(np.concatenate([m.ravel() for m in maps]))) == case.anomaly
    classes = [sample.classes for sample in samples(dataset)]
    if case.classes is None:
        assert dataset.class_names == ()
        assert all(c is None for c in classes)
    else:
        assert set(np.unique(np.concatenate([c.ravel() for c in classes]))) == case.classes


def test_every_benchmark_has_a_case_or_a_test_of_its_own() -> None:
    elsewhere = {"generated", "bdd_anomaly"}
    assert {case.name for case in CASES} | elsewhere == set(BENCHMARKS)
    folder = Path(ood_eval.benchmarks.__file__).parent
    assert all((folder / f"{name}.py").is_file() for name in BENCHMARKS)


def test_every_benchmark_says_its_splits() -> None:
    for benchmark in BENCHMARKS.values():
        assert benchmark.splits
        assert benchmark.scored is None or benchmark.scored in benchmark.splits


def test_sizes_may_differ_within_a_set(tmp_path: Path) -> None:
    write_anomaly_track(tmp_path)
    survey = check_dataset(build_dataset("road_anomaly_21", tmp_path, "validation"))
    assert survey.sizes_px == {(8, 6): 5, (9, 12): 5}


def test_scenes_are_told(tmp_path: Path) -> None:
    write_obstacle_track(tmp_path)
    assert attributes_of(build_dataset("road_obstacle_21", tmp_path, "validation"), 0) == {"scene": "validation"}
    write_lost_and_found("labelIds", (0, 1, 2))(tmp_path)
    frame = build_dataset("lost_and_found", tmp_path, "test", PARTIAL)
    assert attributes_of(frame, 0) == {"scene": "01_Hanns_Klemm_Str_45"}


def test_one_mask_without_anomaly_is_counted(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.label == "rba")
    survey = check_dataset(build(case, tmp_path / "set"))
    assert survey.without_anomaly == 1


def test_samples_come_in_natural_order(tmp_path: Path) -> None:
    write_copies("images/labels_masks", "RoadAnomaly21", 10, (0, 1))(tmp_path)
    picture(tmp_path / "RoadAnomaly21/images/10.png")
    mask(tmp_path / "RoadAnomaly21/labels_masks/10.png")
    dataset = build_dataset("road_anomaly_21", tmp_path, "validation", {"official": False})
    assert [sample.id for sample in samples(dataset)] == [str(n) for n in range(11)]


def test_train_pictures_win_over_test_pictures(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.label == "smiyc")
    root = tmp_path / "set"
    build(case, root)
    stem = STEMS[0]
    picture(root / f"dataset_LostAndFound/leftImg8bit/train/01_Hanns_Klemm_Str_45/{stem}_leftImg8bit.png")
    dataset = build_dataset(case.name, root, "validation")
    assert "train" in dataset.files(0)[0].parts


def test_pictures_are_found_where_their_own_set_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fishyscapes("masks/{n:04d}_{stem}_labels.png", "elsewhere/pictures/" + CITY)(tmp_path)
    with pytest.raises(DataError, match="none of their pictures"):
        build_dataset("fishyscapes_lostandfound", tmp_path / "masks", "validation")
    monkeypatch.setenv("OOD_EVAL_LOST_AND_FOUND", str(tmp_path / "elsewhere/pictures"))
    assert len(build_dataset("fishyscapes_lostandfound", tmp_path / "masks", "validation")) == 100


def test_an_overlay_is_added_and_clipped(tmp_path: Path) -> None:
    write_static("")(tmp_path)
    dataset = build_dataset("fishyscapes_static", tmp_path, "validation")
    base = np.array(Image.open(dataset.files(1)[0]))
    assert not dataset[0].image.any()
    assert np.array_equal(dataset[1].image, base + 5)
    assert len(dataset.files(1)) == 3
    assert dataset.files(1)[1].name.endswith("_rgb.npz")


def test_road_anomaly_keeps_the_order_of_its_list(tmp_path: Path) -> None:
    write_road_anomaly(tmp_path)
    names = json.loads((tmp_path / "RoadAnomaly_jpg/frame_list.json").read_text())
    dataset = build_dataset("road_anomaly", tmp_path, "test")
    assert [f"{sample.id}.jpg" for sample in samples(dataset)] == names


def test_cityscapes_ids_become_the_train_ids_of_torchvision(tmp_path: Path) -> None:
    peer = pytest.importorskip("torchvision.datasets").Cityscapes.classes
    picture(tmp_path / "leftImg8bit/val/ulm/ulm_0_0_leftImg8bit.png", (2, 34))
    mask(tmp_path / "gtFine/val/ulm/ulm_0_0_gtFine_labelIds.png", tuple(range(34)), (2, 34))
    dataset = build_dataset("cityscapes", tmp_path, "validation", PARTIAL)
    wanted = {c.id: c.train_id if 0 <= c.train_id < 19 else VOID for c in peer}
    assert dataset[0].classes[0].tolist() == [wanted[value] for value in range(34)]
    names = {c.train_id: c.name for c in peer if 0 <= c.train_id < 19}
    assert dataset.class_names == tuple(names[value] for value in range(19))
    assert attributes_of(dataset, 0) == {"scene": "ulm"}


@pytest.mark.parametrize(("policy", "meaning"), [("non_hazards_void", VOID), ("non_hazards_anomaly", ANOMALY)])
def test_lost_and_found_has_both_opinions_on_the_harmless(tmp_path: Path, policy: str, meaning: int) -> None:
    harmless = (31, 33, 34, 36, 37, 38, 39)
    write_lost_and_found("labelIds", (1, *harmless))(tmp_path)
    write_lost_and_found("labelIds", (1, 2, 30, 32, 35, 40, 43, 0), "train")(tmp_path)
    options = {"policy": policy, "official": False}
    anomaly = build_dataset("lost_and_found", tmp_path, "test", options)[0].anomaly
    assert anomaly[0].tolist() == [KNOWN] + [meaning] * 7
    others = build_dataset("lost_and_found", tmp_path, "training", options)[0].anomaly
    assert others[0].tolist() == [KNOWN] + [ANOMALY] * 6 + [VOID]


def test_lost_and_found_without_the_empty_and_the_known_frames(tmp_path: Path) -> None:
    # 143 frames of children and bicycles beside 1060 others; which are empty is known by their position.
    names = [f"15_Rechbergstr_Deckenpfronn_{n:06d}_000010" for n in range(140)]
    names += [f"01_Hanns_Klemm_Str_45_00000{n}_000010" for n in (6, 7)] + ["10_Schlossberg_9_000004_000010"]
    names += [f"02_Hanns_Klemm_Str_44_{n:06d}_000010" for n in range(1060)]
    blank = Image.fromarray(np.ones((1, 1), dtype=np.uint8))
    for folder, ending in (("leftImg8bit", "leftImg8bit"), ("gtCoarse", "gtCoarse_labelIds")):
        for name in names:
            path = tmp_path / folder / "test" / name.rsplit("_", 2)[0] / f"{name}_{ending}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            blank.save(path, compress_level=0)
    everything = build_dataset("lost_and_found", tmp_path, "test")
    valid = build_dataset("lost_and_found", tmp_path, "test_valid")
    unknown = build_dataset("lost_and_found", tmp_path, "test_no_known")
    assert (len(everything), len(valid), len(unknown)) == (1203, 1186, 1043)
    dropped = {pair.id for pair in everything.pairs} - {pair.id for pair in valid.pairs}
    assert sorted(names).index(min(dropped)) == 17
    assert {pair.id[:2] for pair in valid.pairs} - {pair.id[:2] for pair in unknown.pairs} == {"01", "10", "15"}


def test_the_folders_of_a_user_are_read_as_described(tmp_path: Path) -> None:
    write_folders(tmp_path)
    dataset = build_dataset("folders", tmp_path, "test")
    sample = dataset[0]
    assert sample.anomaly[0].tolist() == [0, 0, 0, 255, 255, 255, 1, 1]
    assert sample.classes[0].tolist() == [0, 0, 0, 1, 1, 1, 255, 255]
    assert dataset.class_names == ("road", "car")
    layout = {"images": "fog/{split}/rgb/*_front", "masks": "fog/{split}/mask/*_mask", "values": {0: 0, 128: 0, 255: 1}}
    given = build_dataset("folders", tmp_path, "test", {"layout": layout})
    assert given[0].classes is None
    assert given[0].anomaly[0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]

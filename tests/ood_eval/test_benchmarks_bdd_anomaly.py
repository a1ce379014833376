"""BDD-Anomaly: both variants made from every layout of BDD100K, and never mixed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks.build import build_dataset
from ood_eval.datasets import check_dataset, samples
from ood_eval.errors import DataError

PARTIAL = {"official": False}
SIZE = (6, 8)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((*SIZE, 3), dtype=np.uint8)).save(path)


def mask(path: Path, values: tuple[int, ...]) -> None:
    """Columns of the values, written as a grey PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.array(values, dtype=np.uint8)[np.arange(SIZE[1]) * len(values) // SIZE[1]]
    Image.fromarray(np.broadcast_to(labels, SIZE).copy()).save(path)


BDD_LABELS = {"a": (0, 13, 255), "b": (0, 16), "c": (0, 17, 255), "d": (2, 18), "e": (10, 12), "f": (0, 1)}


def write_bdd(images: str, labels: str, convert: Callable[[int], int] = int):
    """a, e, f: nothing anomalous; b: train; c: motorcycle; d: bicycle. a, b, d are in train, the others in val."""

    def write(root: Path) -> None:
        for name, values in BDD_LABELS.items():
            part = "train" if name in "abd" else "val"
            picture(root / images.format(part=part) / f"{name}.jpg")
            mask(root / labels.format(part=part, name=name), tuple(convert(value) for value in values))

    return write


BDD_LAYOUTS: dict[str, Callable[[Path], None]] = {
    "2018": write_bdd("seg/images/{part}", "seg/labels/{part}/{name}_train_id.png"),
    "unpacked": write_bdd("bdd100k/seg/images/{part}", "bdd100k/seg/labels/{part}/{name}_train_id.png"),
    "10k": write_bdd("images/10k/{part}", "labels/sem_seg/masks/{part}/{name}.png"),
    "10k_train_id": write_bdd("images/10k/{part}", "labels/sem_seg/masks/{part}/{name}_train_id.png"),
    "converted": write_bdd(
        "seg/images/{part}",
        "seg/train_labels/{part}/{name}_train_id.png",
        lambda value: 1 if value == 255 else value + 2,
    ),
}


@pytest.mark.parametrize("layout", BDD_LAYOUTS)
def test_every_layout_keeps_the_contract(layout: str, tmp_path: Path) -> None:
    root = tmp_path / "set [1]"
    BDD_LAYOUTS[layout](root)
    for split, count in (("training", 1), ("validation", 2), ("test", 3)):
        dataset = build_dataset("bdd_anomaly", root, split, PARTIAL)
        dataset.check()
        assert check_dataset(dataset).samples == count
        assert all((sample.anomaly is not None) == (split == "test") for sample in samples(dataset))
    classes = np.unique(np.concatenate([sample.classes.ravel() for sample in samples(dataset)]))
    assert classes.tolist() == [0, 1, 3, 255]


def test_bdd_splits_follow_the_rule_of_each_variant(tmp_path: Path) -> None:
    BDD_LAYOUTS["2018"](tmp_path)
    found = {}
    for variant in ("v1", "v2"):
        for split in ("training", "validation", "test"):
            dataset = build_dataset("bdd_anomaly", tmp_path, split, {"variant": variant, "official": False})
            found[variant, split] = [sample.id for sample in samples(dataset)]
    assert found["v2", "test"] == ["train/b", "train/d", "val/c"]
    assert found["v2", "training"] == ["train/a"]
    assert found["v2", "validation"] == ["val/e", "val/f"]
    assert found["v1", "test"] == ["train/b", "val/c"]
    assert found["v1", "training"] == ["train/a", "train/d"]


def test_bdd_classes_are_those_of_the_variant(tmp_path: Path) -> None:
    BDD_LAYOUTS["2018"](tmp_path)

    def made(variant: str, policy: str, split: str = "test"):
        options = {"variant": variant, "policy": policy, "official": False}
        return build_dataset("bdd_anomaly", tmp_path, split, options)

    assert len(made("v2", "keep_all").class_names) == 17
    assert len(made("v1", "keep_all").class_names) == 18
    assert made("v2", "keep_all").class_names[0] == "background"
    assert made("v1", "ignore_void").class_names[-1] == "bicycle"
    kept, dropped = made("v2", "keep_all")[2], made("v2", "ignore_void")[2]
    assert kept.classes[0].tolist() == [1, 1, 1, 255, 255, 255, 0, 0]
    assert kept.anomaly[0].tolist() == [0, 0, 0, 1, 1, 1, 0, 0]
    assert dropped.classes[0].tolist() == [0, 0, 0, 255, 255, 255, 255, 255]
    assert dropped.anomaly[0].tolist() == [0, 0, 0, 1, 1, 1, 255, 255]
    bicycle = made("v1", "keep_all", "training")[1]
    assert bicycle.classes[0, -1] == 17
    assert bicycle.anomaly is None


def test_bdd_counts_are_asserted_and_variants_never_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BDD_LAYOUTS["2018"](tmp_path)
    with pytest.raises(DataError, match="training 1, validation 2, test 3, must have training 6280"):
        build_dataset("bdd_anomaly", tmp_path, "test")
    counts = {
        "v1": {"training": 1, "validation": 2, "test": 3},
        "v2": {"training": 1, "validation": 2, "test": 3},
    }
    monkeypatch.setattr("ood_eval.benchmarks.bdd_anomaly._COUNTS", counts)
    assert len(build_dataset("bdd_anomaly", tmp_path, "test", {"variant": "v2"})) == 3
    with pytest.raises(DataError, match="v1"):
        build_dataset("bdd_anomaly", tmp_path, "test", {"variant": "v1"})


def test_bdd_labels_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BDD_LAYOUTS["2018"](tmp_path)
    first = build_dataset("bdd_anomaly", tmp_path, "test", PARTIAL)
    reads: list[Path] = []
    monkeypatch.setattr(type(first), "_train_ids", lambda self, path: reads.append(path))
    again = build_dataset("bdd_anomaly", tmp_path, "test", PARTIAL)
    assert not reads
    assert [pair.id for pair in again.pairs] == [pair.id for pair in first.pairs]


def test_bdd_notices_changed_labels(tmp_path: Path) -> None:
    BDD_LAYOUTS["2018"](tmp_path)
    assert len(build_dataset("bdd_anomaly", tmp_path, "test", PARTIAL)) == 3
    mask(tmp_path / "seg/labels/train/a_train_id.png", (16, 0, 0, 1, 2, 3))
    assert len(build_dataset("bdd_anomaly", tmp_path, "test", PARTIAL)) == 4

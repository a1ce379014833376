"""Reading StreetHazards folders: every spelling of the index, every damage."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ood_eval.benchmarks.formats.labels import LabelPolicy
from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.datasets import ANOMALY, VOID, First, Sample, dataset_hash, samples
from ood_eval.errors import ConfigError, DataError


def test_a_split_is_read_with_its_labels(shared_streets: Path) -> None:
    test = StreetHazards(shared_streets, "test")
    sample = test[0]
    raw = np.array(Image.open(test.files(0)[1]))
    assert sample.id == "t5/1"
    assert sample.image.shape == (48, 80, 3)
    assert sample.classes is not None
    assert sample.anomaly is not None
    assert np.array_equal(sample.anomaly == ANOMALY, raw == 14)
    assert np.array_equal(sample.classes[raw < 14], raw[raw < 14] - 1)
    assert np.all(sample.classes[raw == 14] == VOID)


def test_training_has_no_anomaly_map(shared_streets: Path) -> None:
    assert StreetHazards(shared_streets, "training")[0].anomaly is None


def test_numbers_are_in_numeric_order(tmp_path: Path) -> None:
    root = tmp_path
    folder = root / "test/images/test/t5"
    (root / "test/annotations/test/t5").mkdir(parents=True)
    folder.mkdir(parents=True)
    records = []
    for number in (1, 10, 2):
        Image.fromarray(np.zeros((2, 3, 3), dtype=np.uint8)).save(folder / f"{number}.png")
        Image.fromarray(np.ones((2, 3), dtype=np.uint8)).save(root / f"test/annotations/test/t5/{number}.png")
        paths = {"fpath_img": f"images/test/t5/{number}.png", "fpath_segm": f"annotations/test/t5/{number}.png"}
        records.append(paths)
    (root / "test/test.odgt").write_text(json.dumps(records))
    assert [sample.id for sample in samples(StreetHazards(root, "test"))] == ["t5/1", "t5/2", "t5/10"]


def test_three_spellings_of_the_index_read_alike(streets: Path) -> None:
    native = [sample.id for sample in samples(StreetHazards(streets, "test"))]
    records = json.loads((streets / "test/test.odgt").read_text())
    lines = "\n".join(json.dumps(record) for record in records)
    (streets / "test/test.odgt").write_text(lines + "\n\n")
    assert [sample.id for sample in samples(StreetHazards(streets, "test"))] == native
    below = [record | {key: f"test/{record[key]}" for key in ("fpath_img", "fpath_segm")} for record in records]
    (streets / "test/test.odgt").unlink()
    (streets / "data").mkdir()
    (streets / "data/test.odgt").write_text(json.dumps(below))
    assert [sample.id for sample in samples(StreetHazards(streets, "test"))] == native


@pytest.mark.parametrize(
    ("policy", "void"),
    [("keep_all", {14}), ("ignore_other", {4, 14}), ("ignore_unlabeled_and_other", {1, 4, 14})],
)
def test_policies_drop_what_they_say(policy, void: set[int]) -> None:
    raw = np.arange(1, 15, dtype=np.uint8)
    rule = LabelPolicy(policy)
    assert set(raw[rule.train_ids(raw) == VOID].tolist()) == void
    assert set(raw[rule.anomaly(raw) == VOID].tolist()) == void - {14}
    assert rule.anomaly(raw)[13] == ANOMALY


def test_an_unknown_policy_names_the_three() -> None:
    with pytest.raises(ConfigError, match="keep_all"):
        LabelPolicy("keep_al")  # type: ignore[arg-type]


def test_an_alpha_channel_is_dropped(streets: Path) -> None:
    test = StreetHazards(streets, "test")
    path = test.files(0)[0]
    before = test[0].image
    Image.open(path).convert("RGBA").save(path)
    assert np.array_equal(test[0].image, before)


def _replace_labels(root: Path, split: str, value: int, size: tuple[int, int] = (48, 80)) -> Path:
    path = StreetHazards(root, split).files(0)[1]  # type: ignore[arg-type]
    Image.fromarray(np.full(size, value, dtype=np.uint8)).save(path)
    return path


@pytest.mark.parametrize("value", [0, 15, 255])
def test_an_id_outside_the_table_is_refused(streets: Path, value: int) -> None:
    path = _replace_labels(streets, "test", value)
    with pytest.raises(DataError, match=f"{path.name}: label id {value} is outside"):
        StreetHazards(streets, "test").check()


def test_anomalies_in_training_are_refused(streets: Path) -> None:
    _replace_labels(streets, "training", 14)
    with pytest.raises(DataError, match="anomaly id 14"):
        StreetHazards(streets, "training").check()


def test_a_label_map_of_another_size_is_refused(streets: Path) -> None:
    _replace_labels(streets, "test", 1, (40, 80))
    with pytest.raises(DataError, match="80x40 but its image is 80x48"):
        StreetHazards(streets, "test").check()


def test_a_broken_file_is_named(streets: Path) -> None:
    path = StreetHazards(streets, "test").files(1)[1]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=path.name):
        StreetHazards(streets, "test").check()


def test_a_colour_preview_is_no_label_map(streets: Path) -> None:
    path = StreetHazards(streets, "test").files(0)[1]
    Image.fromarray(np.zeros((48, 80, 3), dtype=np.uint8)).save(path)
    with pytest.raises(DataError, match="one channel"):
        StreetHazards(streets, "test").check()


def test_a_missing_file_is_named(streets: Path) -> None:
    path = StreetHazards(streets, "test").files(0)[0]
    path.unlink()
    with pytest.raises(DataError, match=r"t5/1\.png"):
        StreetHazards(streets, "test")


@pytest.mark.parametrize(
    ("content", "message"),
    [("[]", "empty"), ("", "empty"), ("[{", "not JSON"), ("[1]", "JSON object"), ('[{"a": 1}]', "fpath_img")],
)
def test_a_damaged_index_is_named(streets: Path, content: str, message: str) -> None:
    (streets / "test/test.odgt").write_text(content)
    with pytest.raises(DataError, match=message):
        StreetHazards(streets, "test")


def test_a_missing_folder_and_split_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        StreetHazards(tmp_path / "nothing", "test")
    with pytest.raises(DataError, match=r"test\.odgt"):
        StreetHazards(tmp_path, "test")


def test_official_counts_are_asserted_when_asked(shared_streets: Path) -> None:
    with pytest.raises(DataError, match="4 images where the official test split has 1500"):
        StreetHazards(shared_streets, "test", official=True)


def test_first_is_a_prefix(shared_streets: Path) -> None:
    whole = StreetHazards(shared_streets, "test")
    assert [sample.id for sample in samples(First(whole, 2))] == ["t5/1", "t5/2"]
    assert len(First(whole, 99)) == len(whole)
    with pytest.raises(DataError, match="at least 1"):
        First(whole, 0)


def test_the_hash_follows_the_contents(streets: Path) -> None:
    test = StreetHazards(streets, "test")
    before = dataset_hash(test)
    assert before == dataset_hash(StreetHazards(streets, "test"))
    assert before != dataset_hash(First(test, 3))
    _replace_labels(streets, "test", 1)
    assert before != dataset_hash(test)


def test_a_sample_is_checked_and_read_only() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    sample = Sample("a", image, None, None)
    with pytest.raises(ValueError, match="read-only"):
        sample.image[0, 0, 0] = 1
    with pytest.raises(DataError, match="classes"):
        Sample("a", image, np.zeros((3, 3), dtype=np.uint8), None)
    with pytest.raises(DataError, match="image"):
        Sample("a", np.zeros((2, 3, 3)), None, None)  # type: ignore[arg-type]


@pytest.mark.slow
def test_pytorch_ood_reads_the_same_pixels(shared_streets: Path) -> None:
    peer_class = pytest.importorskip("pytorch_ood.dataset.img").StreetHazards
    peer = object.__new__(peer_class)
    peer.transform = None
    peer.files = peer._get_file_list(str(shared_streets / "test/images"))
    ours = {str(path): sample for path, sample in _by_image(StreetHazards(shared_streets, "test"))}
    assert len(peer.files) == len(ours)
    for index, path in enumerate(peer.files):
        image, target = peer[index]
        sample = ours[path]
        assert np.array_equal(np.array(image), sample.image)
        assert np.array_equal(target.numpy() < 0, sample.anomaly == ANOMALY)
        known = target.numpy() >= 0
        assert np.array_equal(target.numpy()[known], sample.classes[known])


def _by_image(dataset: StreetHazards):
    return [(dataset.files(index)[0], dataset[index]) for index in range(len(dataset))]

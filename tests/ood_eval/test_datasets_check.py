"""The contract of data sets, a set that breaks each rule of it, and the command that lists what is wrong."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import tyro
from PIL import Image

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.commands.data_check import DataCheck
from ood_eval.datasets import ANOMALY, KNOWN, VOID, First, Sample, attributes_of, check_dataset
from ood_eval.datasets.check import Survey, findings
from ood_eval.errors import ConfigError, DataError

IMAGE = np.zeros((2, 3, 3), dtype=np.uint8)


def maps(*values: int) -> np.ndarray:
    return np.resize(np.array(values, dtype=np.uint8), (2, 3))


class Small:
    """A correct set of three samples in memory; tests break one rule each."""

    name = "small"
    class_names = ("road", "car")

    def __init__(self, file: Path) -> None:
        self.file, self.reads = file, 0

    def __len__(self) -> int:
        return 3

    def files(self, index: int):
        return (self.file,)

    def __getitem__(self, index: int) -> Sample:
        name = ("a", "b", "c")[index]
        return Sample(name, IMAGE.copy(), maps(0, 1, 255), maps(KNOWN, KNOWN, ANOMALY))

    def attributes(self, index: int):
        return {"town": "Town05"}


class NoSamples(Small):
    def __len__(self) -> int:
        return 0


class SameNames(Small):
    def __getitem__(self, index: int) -> Sample:
        ("a", "b", "c")[index]
        return Sample("a", IMAGE.copy(), maps(0, 1, 255), maps(KNOWN, KNOWN, ANOMALY))


class ForeignClass(Small):
    def __getitem__(self, index: int) -> Sample:
        return Sample("abc"[index], IMAGE.copy(), maps(0, 2, 255), maps(KNOWN, KNOWN, ANOMALY))


class ForeignAnomaly(Small):
    def __getitem__(self, index: int) -> Sample:
        return Sample("abc"[index], IMAGE.copy(), maps(0, 1, 255), maps(KNOWN, 2, ANOMALY))


class TrainsOnAnomalies(Small):
    def __getitem__(self, index: int) -> Sample:
        return Sample("abc"[index], IMAGE.copy(), maps(0, 1, 1), maps(KNOWN, KNOWN, ANOMALY))


class Unlabelled(Small):
    def __getitem__(self, index: int) -> Sample:
        return Sample("abc"[index], IMAGE.copy(), None, None)


class OtherKinds(Small):
    def __getitem__(self, index: int) -> Sample:
        classes = maps(0, 1, 255) if index != 1 else None
        return Sample("abc"[index], IMAGE.copy(), classes, maps(KNOWN, KNOWN, ANOMALY))


class Hidden(Small):
    def __getitem__(self, index: int) -> Sample:
        return Sample("abc"[index], IMAGE.copy(), None, maps(KNOWN))


class Restless(Small):
    def __getitem__(self, index: int) -> Sample:
        self.reads += 1
        image = np.full_like(IMAGE, self.reads)
        return Sample("abc"[index], image, maps(0, 1, 255), maps(KNOWN, KNOWN, ANOMALY))


class Endless(Small):
    def __getitem__(self, index: int) -> Sample:
        return super().__getitem__(index % 3)


class NoFiles(Small):
    def files(self, index: int):
        return (self.file.with_name("gone.png"),) if index == 1 else (self.file,)


class ListsNothing(Small):
    def files(self, index: int):
        return ()


class Unreadable(Small):
    def __getitem__(self, index: int) -> Sample:
        if index == 2:
            raise DataError("c.png: damaged")
        return super().__getitem__(index)


class OddAttributes(Small):
    def attributes(self, index: int):
        return {"town": np.float32(1.0)}


class TwinClasses(Small):
    class_names = ("road", "road")


BROKEN = [
    (NoSamples, "empty"),
    (SameNames, "sample 1: the name a is taken"),
    (ForeignClass, "class 2 is neither one of the 2 train ids nor 255"),
    (ForeignAnomaly, "anomaly map holds 2"),
    (TrainsOnAnomalies, "anomalous pixels have a class"),
    (Unlabelled, "no labels of any kind"),
    (OtherKinds, "sample 1: has other kinds of labels"),
    (Hidden, "no image holds an anomaly; the labels are hidden"),
    (Restless, "differs when read twice"),
    (Endless, "raises no IndexError"),
    (NoFiles, r"gone\.png: missing"),
    (ListsNothing, "list of files: missing"),
    (Unreadable, r"c\.png: damaged"),
    (OddAttributes, "attributes are not JSON"),
    (TwinClasses, "two classes have one name"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.png"
    path.write_bytes(b"x")
    return path


def test_a_correct_set_passes(file: Path) -> None:
    survey = check_dataset(Small(file))
    assert survey == Survey(3, 0, 12, 6, 0, survey.sizes_px)
    assert survey.sizes_px == {(3, 2): 3}


@pytest.mark.parametrize(("broken", "message"), BROKEN, ids=[broken.__name__ for broken, _ in BROKEN])
def test_each_broken_rule_is_found(file: Path, broken: type[Small], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_dataset(broken(file))


def test_all_findings_are_listed_not_only_the_first(file: Path) -> None:
    found = list(findings(ForeignClass(file), Survey()))
    assert len(found) == 3
    assert all("class 2" in line for line in found)


def test_images_of_one_class_are_allowed(file: Path) -> None:
    class OneClass(Small):
        def __getitem__(self, index: int) -> Sample:
            anomaly = (maps(KNOWN), maps(ANOMALY), maps(VOID))[index]
            return Sample("abc"[index], IMAGE.copy(), None, anomaly)

    survey = check_dataset(OneClass(file))
    assert survey.without_anomaly == 2
    assert survey.dropped_share == pytest.approx(1 / 3)
    assert survey.anomaly_share == pytest.approx(1 / 2)


def test_first_passes_attributes_on_within_its_bounds(file: Path) -> None:
    class Numbered(Small):
        def attributes(self, index: int):
            return {"index": index}

    first = First(Numbered(file), 2)
    assert attributes_of(first, 1) == {"index": 1}
    assert attributes_of(first, -1) == {"index": 1}
    with pytest.raises(IndexError):
        attributes_of(first, 2)


def test_sets_that_know_nothing_have_no_attributes(shared_streets: Path) -> None:
    assert attributes_of(StreetHazards(shared_streets, "test"), 0) == {}
    assert attributes_of(First(StreetHazards(shared_streets, "test"), 1), 0) == {}


@pytest.mark.parametrize("policy", ["keep_all", "ignore_other", "ignore_unlabeled_and_other"])
def test_the_dropped_share_is_that_of_the_policy(streets: Path, policy: str) -> None:
    raw = []
    for index in range(4):
        path = StreetHazards(streets, "test").files(index)[1]
        labels = np.array(Image.open(path))
        labels[:2] = 4
        Image.fromarray(labels).save(path)
        raw.append(labels)
    whole = np.concatenate([labels.ravel() for labels in raw])
    dropped = {"keep_all": (), "ignore_other": (4,), "ignore_unlabeled_and_other": (1, 4)}[policy]
    survey = check_dataset(StreetHazards(streets, "test", policy))  # type: ignore[arg-type]
    assert survey.dropped_share == pytest.approx(np.isin(whole, dropped).mean())
    assert (survey.dropped_share > 0) == bool(dropped)


def test_data_check_is_silent_on_a_sound_set(
    shared_streets: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        DataCheck("streethazards", shared_streets, option=("official=false",)).run()
    assert capsys.readouterr().out == ""
    assert "streethazards test: 4 samples, 80x48 px" in caplog.text
    assert "0.00% of pixels dropped" in caplog.text


def test_data_check_lists_one_finding_a_line_and_fails(streets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = StreetHazards(streets, "test")
    Image.fromarray(np.full((48, 80), 15, dtype=np.uint8)).save(test.files(0)[1])
    Image.fromarray(np.ones((40, 80), dtype=np.uint8)).save(test.files(2)[1])
    with pytest.raises(DataError, match="streethazards: 3 findings"):
        DataCheck("streethazards", streets, split=("test",)).run()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "4 images where the official test split has 1500" in lines[0]
    assert "label id 15" in lines[1]
    assert "80x40 but its image is 80x48" in lines[2]


def test_data_check_finds_sizes_that_the_index_denies(streets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = json.loads((streets / "test/test.odgt").read_text())
    records[0]["width"] = 81
    (streets / "test/test.odgt").write_text(json.dumps(records))
    with pytest.raises(DataError, match="1 finding in"):
        DataCheck("streethazards", streets, split=("test",), option=("official=false",)).run()
    assert "is 80x48 where test.odgt says 81x48" in capsys.readouterr().out


def test_data_check_takes_options_and_refuses_unknown_ones(shared_streets: Path) -> None:
    with pytest.raises(ConfigError, match="no option 'polcy'; it has policy, official"):
        DataCheck("streethazards", shared_streets, option=("polcy=keep_all",)).run()
    with pytest.raises(ConfigError, match="key=value"):
        DataCheck("streethazards", shared_streets, option=("official",)).run()
    with pytest.raises(ConfigError, match="not YAML"):
        DataCheck("streethazards", shared_streets, option=("official={",)).run()
    with pytest.raises(ConfigError, match="did you mean streethazards"):
        DataCheck("streethazard", shared_streets).run()
    with pytest.raises(ConfigError, match="no split 'tset'; choose one of training, validation, test"):
        DataCheck("streethazards", shared_streets, split=("tset",)).run()


def test_data_check_reads_its_command_line(tmp_path: Path) -> None:
    words = ["folders", "--root", str(tmp_path), "--split", "test", "night", "--option", "layout={}", "a=b"]
    command = tyro.cli(DataCheck, args=words)
    assert command == DataCheck("folders", tmp_path, ("test", "night"), ("layout={}", "a=b"))


def test_hidden_labels_and_a_missing_split_are_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="1 finding in"):
        DataCheck("road_anomaly_21", tmp_path, split=("test",)).run()
    assert "test: road_anomaly_21: the labels of test are not public" in capsys.readouterr().out
    with pytest.raises(DataError, match="2 findings in"):
        DataCheck("cityscapes", tmp_path).run()
    assert capsys.readouterr().out.count("no label maps found") == 2


def test_data_check_follows_the_splits_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folders.yaml").write_text(
        "images: images/{split}/*\nmasks: masks/{split}/*\nsplits: {day: 1, dusk: 2}"
    )
    for split, value in (("day", 1), ("dusk", 0)):
        for folder, array in (("images", IMAGE), ("masks", maps(value))):
            (tmp_path / folder / split).mkdir(parents=True)
            Image.fromarray(array).save(tmp_path / folder / split / "1.png")
    with pytest.raises(DataError, match="1 finding in"):
        DataCheck("folders", tmp_path).run()
    assert capsys.readouterr().out.splitlines() == [
        "dusk: folders: 1 samples where the dusk split has 2; the set is incomplete or mixed with another"
        "; or correct the count in folders.yaml"
    ]

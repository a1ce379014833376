"""Where sets are looked for, and what the user is told of those that are not there."""

from pathlib import Path

import pytest

from ood_eval.benchmarks import BENCHMARKS
from ood_eval.benchmarks.roots import config_file, find_root, require_root
from ood_eval.commands.data_check import DataCheck
from ood_eval.commands.data_where import DataWhere
from ood_eval.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("DATA", *(name.upper() for name in BENCHMARKS)):
        monkeypatch.delenv(f"OOD_EVAL_{name}", raising=False)


def made(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def signed(path: Path) -> Path:
    """A folder with what tells RoadAnomaly from any other set."""
    (made(path) / "frame_list.json").write_text("[]")
    return path


def write_config(text: str) -> None:
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text(text)


def test_nothing_is_found_where_nothing_is_said(tmp_path: Path) -> None:
    assert {find_root(name) for name in BENCHMARKS} == {None}


def test_the_nearer_word_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_config_data = signed(tmp_path / "d/RoadAnomaly_jpg")
    write_config(f"data: {tmp_path / 'd'}\n")
    assert find_root("road_anomaly") == by_config_data
    by_data = signed(tmp_path / "e/RoadAnomaly_jpg")
    monkeypatch.setenv("OOD_EVAL_DATA", str(tmp_path / "e"))
    assert find_root("road_anomaly") == by_data
    by_own_name = signed(tmp_path / "e/road_anomaly")
    assert find_root("road_anomaly") == by_own_name
    by_config = made(tmp_path / "c")
    write_config(f"data: {tmp_path / 'd'}\nroad_anomaly: {by_config}\n")
    assert find_root("road_anomaly") == by_config
    by_variable = made(tmp_path / "v")
    monkeypatch.setenv("OOD_EVAL_ROAD_ANOMALY", str(by_variable))
    assert find_root("road_anomaly") == by_variable
    assert find_root("cityscapes") is None


def test_a_folder_of_the_name_that_holds_another_set_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fishyscapes has one folder for two sets, and an empty folder is no set."""
    monkeypatch.setenv("OOD_EVAL_DATA", str(tmp_path))
    made(tmp_path / "fishyscapes/Static/original")
    (tmp_path / "fishyscapes/Static/original/1.png").touch()
    made(tmp_path / "fs/fishyscapes")
    (tmp_path / "fs/fishyscapes/0000_04_Maurener_Weg_8_000000_000030_labels.png").touch()
    made(tmp_path / "road_anomaly_21")
    made(tmp_path / "dataset_AnomalyTrack/labels_masks")
    (tmp_path / "dataset_AnomalyTrack/labels_masks/a.png").touch()
    assert find_root("fishyscapes_static") == tmp_path / "fishyscapes"
    assert find_root("fishyscapes_lostandfound") is None
    assert find_root("road_anomaly_21") == tmp_path / "dataset_AnomalyTrack"
    with pytest.raises(DataError, match=f"{tmp_path / 'fishyscapes'} holds no sign of it"):
        require_root("fishyscapes_lostandfound")
    monkeypatch.setenv("OOD_EVAL_DATA", str(tmp_path / "fs"))
    assert find_root("fishyscapes_static") is None
    assert find_root("fishyscapes_lostandfound") == tmp_path / "fs/fishyscapes"


def test_the_home_of_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OOD_EVAL_DATA", "~no-such-user/x")
    with pytest.raises(ConfigError, match="OOD_EVAL_DATA"):
        find_root("road_anomaly")


def test_the_config_file_is_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_file() == tmp_path / ".config/ood_eval/data.yaml"


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = made(tmp_path / "sets/streets")
    write_config("streethazards: ~/sets/streets\n")
    assert find_root("streethazards") == folder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not YAML"),
        ("- a", "lines of `benchmark: folder`"),
        ("road_anomaly: 3", "lines of `benchmark: folder`"),
        ("road_anomly: /tmp", "no benchmark 'road_anomly'"),
        ("road_anomaly: /no/such/folder", "is no folder"),
    ],
)
def test_a_damaged_config_is_named(text: str, message: str) -> None:
    write_config(text)
    with pytest.raises(ConfigError, match=message) as caught:
        find_root("road_anomaly")
    assert "data.yaml" in str(caught.value)


def test_an_empty_config_says_nothing() -> None:
    write_config("# nothing yet\n")
    assert find_root("road_anomaly") is None


def test_a_variable_that_points_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OOD_EVAL_CITYSCAPES", "/no/such/folder")
    with pytest.raises(ConfigError, match="OOD_EVAL_CITYSCAPES: /no/such/folder is no folder"):
        find_root("cityscapes")


def test_a_missing_set_is_told_how_to_be_found() -> None:
    with pytest.raises(DataError, match=r"set OOD_EVAL_CITYSCAPES or write .*cityscapes-dataset\.com"):
        require_root("cityscapes")
    with pytest.raises(DataError, match="OOD_EVAL_CITYSCAPES"):
        DataCheck("cityscapes").run()
    with pytest.raises(ConfigError, match="unknown benchmark"):
        find_root("imagenet")


def test_data_where_lists_every_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OOD_EVAL_STREETHAZARDS", str(tmp_path))
    monkeypatch.setenv("OOD_EVAL_CITYSCAPES", str(tmp_path / "gone"))
    DataWhere().run()
    shown = capsys.readouterr().out
    heads = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] for line in heads] == list(BENCHMARKS)
    assert f"found in {tmp_path}" in heads[0]
    assert heads[-1].endswith("gone is no folder")
    assert sum("not found" in line for line in heads) == len(BENCHMARKS) - 2
    assert "licence" in shown
    assert "lies on lost_and_found" in shown

"""Score maps in files: each format, folders of any maker, and each fault in one line that names the file."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ood_eval.benchmarks.streethazards import StreetHazards
from ood_eval.cli import main
from ood_eval.detectors.energy import Energy
from ood_eval.engine import score_export
from ood_eval.engine.row import read_rows
from ood_eval.errors import ConfigError, DataError
from ood_eval.networks import PyramidConfig, build_segmenter, save_segmenter
from ood_eval.score_maps import FORMATS
from ood_eval.score_maps.folder import find_maps, write_list, write_map

TINY = PyramidConfig(kind="pspnet_short", encoder="resnet18", channels=8, auxiliary=False)
IDS = ("t5/1", "t5/2")


def scores(number: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(number).normal(size=(6, 8)).astype(np.float32)


@pytest.mark.parametrize("name", FORMATS)
def test_a_map_comes_back(tmp_path: Path, name: str) -> None:
    for number, label in enumerate(IDS):
        write_map(tmp_path / "mine" / f"{label}{FORMATS[name].suffix}", name, scores(number))
    (maps,) = find_maps(tmp_path, IDS)
    assert (maps.label, maps.format) == ("mine", name)
    back = maps.load(1, (6, 8))
    assert back.dtype == np.float32
    if FORMATS[name].loss:
        span = float(np.ptp(scores(1)))
        assert 0 < np.abs(back - scores(1)).max() <= 1.01 * span / 131070
    else:
        np.testing.assert_array_equal(back, scores(1))


def test_only_a_format_that_loses_says_so() -> None:
    assert {name for name, one in FORMATS.items() if one.loss} == {"png16"}


def test_a_constant_map_comes_back_from_a_png(tmp_path: Path) -> None:
    write_map(tmp_path / "a.png", "png16", np.full((6, 8), -3.5, dtype=np.float32))
    np.testing.assert_array_equal(FORMATS["png16"].read(tmp_path / "a.png"), np.float32(-3.5))


def test_a_png_of_others_is_scores_from_0_to_1(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    assert FORMATS["png16"].read(tmp_path / "a.png").tolist() == [[0.0, 1.0]]


def test_the_tools_own_layout_is_read(tmp_path: Path) -> None:
    for method in ("one", "two"):
        for number, label in enumerate(("validation0000", "validation0001")):
            path = tmp_path / "anomaly_p" / method / "AnomalyTrack-validation" / f"{label}.hdf5"
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(path, "w") as file:
                file.create_dataset("value", data=scores(number).astype(np.float16), compression=9)
    maps = find_maps(tmp_path, ("validation0000", "validation0001"))
    assert [one.label for one in maps] == ["one", "two"]
    np.testing.assert_array_equal(maps[1].load(0, (6, 8)), scores(0).astype(np.float16).astype(np.float32))


def test_maps_beside_each_other_are_of_the_folder(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", scores()[..., None])
    (maps,) = find_maps(tmp_path, ("a",))
    assert maps.label == tmp_path.name
    np.testing.assert_array_equal(maps.load(0, (6, 8)), scores())


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (scores()[:5], r"t5/2\.npy: the score map is 5x8 but its image is 6x8"),
        (np.where(scores() > 1, np.nan, scores()), r"t5/2\.npy: holds NaN or infinity"),
        (scores().astype(np.float64) * 1e300, r"t5/2\.npy: holds NaN or infinity"),
        (scores() > 0, r"t5/2\.npy: scores must be numbers, not bool"),
        (None, r"t5/2\.npy: not a score map of format npy"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_map_that_cannot_be_counted_is_named(tmp_path: Path, array: NDArray[np.float32] | None, words: str) -> None:
    for number, label in enumerate(IDS):
        write_map(tmp_path / "mine" / f"{label}.npy", "npy", scores(number))
    if array is None:
        (tmp_path / "mine/t5/2.npy").write_bytes(b"nonsense")
    else:
        np.save(tmp_path / "mine/t5/2.npy", array)
    (maps,) = find_maps(tmp_path, IDS)
    with np.errstate(over="ignore"), pytest.raises(DataError, match=words):
        maps.load(1, (6, 8))


def test_missing_and_extra_maps_are_named(tmp_path: Path) -> None:
    write_map(tmp_path / "mine/t5/1.npy", "npy", scores())
    with pytest.raises(DataError, match="mine has maps of 1 of 2 images; the first that is missing is of t5/2"):
        find_maps(tmp_path, IDS)
    write_map(tmp_path / "mine/t5/2.npy", "npy", scores())
    write_map(tmp_path / "mine/t5/3.npy", "npy", scores())
    with pytest.raises(DataError, match=r"t5/3\.npy: belongs to no image of the benchmark"):
        find_maps(tmp_path, IDS)


def test_folders_without_maps_or_with_several_kinds_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder of score maps"):
        find_maps(tmp_path / "nowhere", IDS)
    with pytest.raises(ConfigError, match="holds no score maps of npy, npz, png16, hdf5"):
        find_maps(tmp_path, IDS)
    for suffix in (".npy", ".png"):
        (tmp_path / f"a{suffix}").touch()
    with pytest.raises(ConfigError, match="holds files of npy and png16; say which are the score maps by --format"):
        find_maps(tmp_path, IDS)
    with pytest.raises(ConfigError, match="holds no score maps of format hdf5"):
        find_maps(tmp_path, IDS, "hdf5")


def test_a_format_that_one_of_our_folders_does_not_hold_is_refused(tmp_path: Path) -> None:
    for label in IDS:
        write_map(tmp_path / "msp" / f"{label}.npz", "npz", scores())
    write_list(tmp_path, {"format": "npz", "benchmark": "own", "detectors": {"msp": {"folder": "msp"}}})
    assert [one.format for one in find_maps(tmp_path, IDS, "npz")] == ["npz"]
    with pytest.raises(ConfigError, match="holds score maps of format npz, not npy"):
        find_maps(tmp_path, IDS, "npy")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "s.pt"
    segmenter = build_segmenter(TINY, StreetHazards.class_names, "none", 0)
    segmenter.trained_px = (60, 36)
    save_segmenter(path, segmenter, TINY)
    return path


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["ood_eval", *map(str, words)])
    return main()


def numbers(out: Path) -> list[str]:
    """The detectors' rows as text, which NaN has one of."""
    (file,) = out.glob("evaluations/*/rows.jsonl")
    rows = [row for row in read_rows(file) if row.detector.startswith(("msp", "energy"))]
    return sorted(str(dataclasses.replace(row, seconds=0.0, provenance=None)) for row in rows)  # type: ignore[arg-type]


def test_maps_that_were_kept_give_the_numbers_of_the_run_to_the_bit(
    shared_streets: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what, detectors = f"streethazards={shared_streets}", ("msp", "energy+blur")
    protocols = ("--protocols", "caos", "dataset", "smiyc")
    shared = ("--checkpoint", checkpoint, "--detectors", *detectors)
    direct = ("run", what, "--data", shared_streets, *shared, *protocols, "--out", tmp_path / "direct")
    assert command(monkeypatch, *direct) == 0
    maps = tmp_path / "maps"
    assert command(monkeypatch, "score", what, "--data", shared_streets, *shared, "--out", maps) == 0
    told = json.loads((maps / "maps.json").read_text())
    assert (told["size"], told["format"], told["images"]) == ("at most 60x36", "npy", 4)
    assert command(monkeypatch, "evaluate", maps, *protocols, "--out", tmp_path / "again") == 0
    assert numbers(tmp_path / "again") == numbers(tmp_path / "direct")
    assert {row.provenance.size for row in read_rows(next((tmp_path / "again").glob("evaluations/*/rows.jsonl")))} == {
        "at most 60x36"
    }
    assert (tmp_path / "again/report/index.html").is_file()


def test_pictures_are_scored_once_and_a_wish_for_others_is_refused(
    shared_streets: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pictures, out = shared_streets / "test/images/test/t5", tmp_path / "maps"
    words = ("score", pictures, "--checkpoint", checkpoint, "--detectors", "msp", "--out", out)
    assert command(monkeypatch, *words, "--format", "npz") == 0
    assert sorted(path.name for path in (out / "msp").iterdir()) == ["1.npz", "2.npz", "3.npz", "4.npz"]
    with monkeypatch.context() as patched:
        patched.setattr(score_export, "write_map", lambda *_: pytest.fail("scored again"))
        assert command(monkeypatch, *words, "--format", "npz") == 0
    assert command(monkeypatch, *words, "--format", "npy") == 1
    assert "holds score maps with format npz, not npy; give another --out" in capsys.readouterr().err
    others = tmp_path / "others"
    shutil.copytree(pictures, others)
    Image.new("RGB", Image.open(others / "1.png").size, "red").save(others / "1.png")
    assert command(monkeypatch, words[0], others, *words[2:], "--format", "npz") == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "maps: holds score maps with data " in error
    assert error.endswith("; give another --out")


def test_what_the_disk_cannot_hold_is_refused_before_it_is_begun(
    shared_streets: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    pictures = shared_streets / "test/images/test/t5"
    words = ("score", pictures, "--checkpoint", checkpoint, "--detectors", "msp", "--out", tmp_path / "maps")
    assert command(monkeypatch, *words) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "4 score maps need 0.0 GB, the disk has 0.0 GB free; choose fewer --detectors" in error
    assert not list((tmp_path / "maps").rglob("*.npy"))


def test_a_run_whose_kept_maps_the_disk_cannot_hold_is_refused_with_what_to_do(
    shared_streets: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    what = f"streethazards={shared_streets}"
    words = (
        "run",
        what,
        "--data",
        shared_streets,
        "--checkpoint",
        checkpoint,
        "--detectors",
        "msp",
        "--out",
        tmp_path / "out",
    )
    assert command(monkeypatch, *words, "--protocols", "smiyc") == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "12 score maps, which some protocols need once more at the end, need" in error  # of msp and two baselines
    assert "score a few --detectors at a time into the same --out" in error
    assert command(monkeypatch, *words, "--protocols", "dataset") == 0


def test_maps_of_pictures_have_nothing_to_be_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/maps.json").write_text('{"format": "npy", "benchmark": "pictures", "detectors": {}}')
    assert command(monkeypatch, "evaluate", tmp_path / "maps", "--out", tmp_path / "out") == 1
    assert "holds maps of pictures, which nobody has labelled" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command_name", ["score", "run"])
def test_a_nan_is_told_with_its_detector_and_image(
    shared_streets: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command_name: str,
) -> None:
    monkeypatch.setattr(Energy, "score_map", lambda _, prediction: prediction.logits[:, 0] * float("nan"))
    what = f"streethazards={shared_streets}"
    words = (command_name, what, "--data", shared_streets, "--checkpoint", checkpoint, "--out", tmp_path / "out")
    assert command(monkeypatch, *words, "--detectors", "msp", "energy") == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "energy on t5/1: scores hold NaN or infinity" in error
